"""Raw servers, proxies and certificates that misbehave on demand."""

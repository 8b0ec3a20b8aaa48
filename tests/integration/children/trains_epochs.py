"""A training of so many epochs, without a pause; says as JSON what ``finish`` reports."""

import json
import os
import sys

import hubport

session = hubport.connect(sys.argv[1])
for epoch in range(int(sys.argv[2])):
    session.log_metrics(epoch, {"loss": 1.0})
os.write(1, json.dumps(session.finish(timeout=60).as_json()).encode())

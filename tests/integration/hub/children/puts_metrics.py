"""Puts metrics of a model for ever, from several threads, and says each epoch when it was taken."""

import os
import sys
import threading

from hubport.adapters.sql_hub import SqlHubStore

url, model_id, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = SqlHubStore(url)


def work(thread: int) -> None:
    epoch = thread
    while True:
        store.put_metrics(model_id, {epoch: str(epoch)}, at=float(epoch))
        os.write(1, f"{epoch}\n".encode())  # whole: shorter than a pipe may cut
        epoch += threads


for number in range(threads):
    threading.Thread(target=work, args=(number,)).start()

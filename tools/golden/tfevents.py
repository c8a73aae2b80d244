#!/usr/bin/env python3
"""Make tests/data/golden/tfevents/events: an event file as TensorBoard's own
messages and record writer have it, of the calls in tests/unit/test_tfevents.c.

Made with tensorboard 2.21.0, protobuf 7.36.2, Python 3.11.

    tfevents.py [file]  make it
    tfevents.py -r DIR  print what TensorBoard reads in a folder: "tag step
                        value", as tests/cli/events_dump.c prints it
"""
import os
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(**values):
    return Summary(value=[Summary.Value(tag=tag.replace("_of_", "/"),
                                        simple_value=x)
                          for tag, x in values.items()])


def make(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    events = [
        Event(wall_time=1700000000.25, file_version="brain.Event:2"),
        Event(wall_time=1700000001.5, step=1,
              session_log=SessionLog(status=SessionLog.START)),
        Event(wall_time=1700000002.125, step=50,
              summary=scalars(train_of_loss=2.3125,
                              train_of_learning_rate=3e-4)),
        Event(wall_time=1700000003, step=2**40 + 300,
              summary=scalars(eval_of_mrr=0.0, eval_of_loss=-1e30)),
        Event(wall_time=1700000004, step=0, summary=scalars(**{"x" * 200: 1.0})),
    ]
    with open(path, "wb") as f:
        writer = RecordWriter(f)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


def read(folder):
    events = event_accumulator.EventAccumulator(folder, {"scalars": 0})
    events.Reload()
    for tag in sorted(events.Tags()["scalars"]):
        for e in events.Scalars(tag):
            print(f"{tag} {e.step} {e.value:.9g}")


if sys.argv[1:2] == ["-r"]:
    read(sys.argv[2])
else:
    make(sys.argv[1] if len(sys.argv) > 1
         else "tests/data/golden/tfevents/events")

#!/usr/bin/env python3
"""Writes `events`, an event file with one of each kind of event that is written, as tensorboard 2.21.0's
own classes write it: `make.py`, in this folder."""
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

TIME = 1700000000.25


def main():
    path = pathlib.Path(__file__).parent / "events"
    with open(path, "wb") as file:
        writer = RecordWriter(file)

        def write(**fields):
            writer.write(event_pb2.Event(wall_time=TIME, **fields).SerializeToString())

        write(file_version="brain.Event:2")
        write(step=7, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        text = tensor_pb2.TensorProto(
            dtype=types_pb2.DT_STRING, string_val=["{\n}".encode()],
            tensor_shape=tensor_shape_pb2.TensorShapeProto(
                dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]))
        metadata = summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
        write(summary=summary_pb2.Summary(value=[
            summary_pb2.Summary.Value(tag="args/text_summary", metadata=metadata, tensor=text)]))
        write(step=300, summary=summary_pb2.Summary(value=[
            summary_pb2.Summary.Value(tag="train/loss", simple_value=1.5),
            summary_pb2.Summary.Value(tag="train/learning_rate", simple_value=1e-4)]))


main()

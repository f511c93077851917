#!/usr/bin/env python3
"""Damages a tiny checkpoint in many ways and checks that facet refuses each with words that name what
is wrong, serving and quantizing: `hostile.py FACET FOLDER`."""

import json
import os
import shutil
import struct
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

from checkpoints import BASE, Case, make

LAYER = "model.layers.1.mlp.down_proj.weight"


def configured(**changes):
    def damage(folder):
        path = f"{folder}/config.json"
        with open(path) as file:
            config = json.load(file)
        for name, value in changes.items():
            config[name] = value
        with open(path, "w") as file:
            json.dump(config, file)
    return damage


def text(name, content):
    def damage(folder):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(content)
    return damage


def tensors(change):
    """Changes the tensors of the shard that holds LAYER."""
    def damage(folder):
        with open(f"{folder}/model.safetensors.index.json") as file:
            name = json.load(file)["weight_map"][LAYER]
        found = load_file(f"{folder}/{name}")
        change(found)
        save_file(found, f"{folder}/{name}", {"format": "pt"})
    return damage


def replaced(name, tensor):
    return tensors(lambda found: found.update({name: tensor}))


def header(change):
    """Changes the bytes of the shard that holds LAYER."""
    def damage(folder):
        with open(f"{folder}/model.safetensors.index.json") as file:
            path = f"{folder}/{json.load(file)['weight_map'][LAYER]}"
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(change(content))
    return damage


def index(change):
    def damage(folder):
        path = f"{folder}/model.safetensors.index.json"
        with open(path) as file:
            whole = json.load(file)
        change(whole)
        with open(path, "w") as file:
            json.dump(whole, file)
    return damage


def removed(name):
    return lambda folder: os.remove(f"{folder}/{name}")


def length(content, value):
    return struct.pack("<Q", value) + content[8:]


SHARD = "model-0000"

#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.
#: What is done, and the words the refusal must have; True where quantizing goes through.

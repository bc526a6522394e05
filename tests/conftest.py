"""Chooses the backend of Keras before anything imports it; a process has one."""

import os

os.environ["KERAS_BACKEND"] = "torch"

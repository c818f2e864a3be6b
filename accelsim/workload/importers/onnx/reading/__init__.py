"""The bytes of an ONNX file: a model without its weights."""

"""The graph of an ONNX file, and the shapes and small constants of its values.

May import the importer's reading/.
"""

"""What each ONNX operator becomes: functions that add the layers of a node to the workload.

May import the importer's other modules. `accelsim.workload.importers.onnx.table` lists the
functions by operator. A function returns False if the node does not have the form that it can map;
the node then becomes vector work.
"""

"""Export of a trained model as an ONNX model: its preprocessing, its network and its labels."""

"""The stage export: a trained model as ONNX files that need neither Bevatron nor PyTorch, and its model card."""

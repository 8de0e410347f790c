"""The stage that writes a trained model as ONNX files, which need neither Bevatron nor PyTorch, and its card."""

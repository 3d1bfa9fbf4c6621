"""ECAPA-TDNN in PyTorch: the network, the published checkpoint families, and the skeletons the native side fills."""

"""The benchmarks: how fast a control plane is, and by how much another is faster or slower."""

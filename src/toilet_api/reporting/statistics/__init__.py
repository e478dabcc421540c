"""Live statistics: every figure kept up to date by what is written, at every level of divisions."""

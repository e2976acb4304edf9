"""The platform: projects, branches, computes and Data APIs."""

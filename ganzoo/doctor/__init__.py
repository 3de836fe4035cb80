"""What ``ganzoo doctor`` reports: versions, devices, folders and plugins, as checks."""

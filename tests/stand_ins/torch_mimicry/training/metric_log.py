MetricLog = dict

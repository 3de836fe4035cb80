"""From a configuration to what will be built: names, options, rules, networks."""

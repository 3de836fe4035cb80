"""All that ``make torture`` meets with faults: a module each, that has a class ``Met``."""

class LRScheduler:
    def __init__(self, lr_decay, optD, optG, num_steps):
        self.optimizers, self.num_steps = (optD, optG), num_steps

    def step(self, log_data, global_step):
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = 2e-4 * (1 - global_step / self.num_steps)
        return log_data | {"lr": optimizer.param_groups[0]["lr"]}

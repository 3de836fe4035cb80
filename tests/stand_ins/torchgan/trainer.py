import torch
import torchvision  # noqa: F401  # the real one draws grids with it


class Trainer:
    def __init__(self, models, losses, *, device, checkpoints, recon):
        self.loss_information = dict.fromkeys(("generator_losses", "discriminator_losses"), 0.0)
        self.loss_information |= dict.fromkeys(("generator_iters", "discriminator_iters"), 0)
        self.losses, self.device, self.optimizer_names, self.logger = losses, device, [], Logger()
        for name, model in models.items():
            network, optimizer = model["name"](**model["args"]).to(device), model["optimizer"]
            setattr(self, name, network)
            self.optimizer_names.append(f"optimizer_{name}")
            setattr(self, self.optimizer_names[-1], optimizer["name"](network.parameters(), **optimizer["args"]))

    def train_iter(self):
        of_g, of_d = self.losses
        fake = self.generator(torch.randn(self.batch_size, self.generator.encoding_dims))
        g_loss = of_g(self.discriminator(fake))
        self._move(self.optimizer_generator, g_loss)
        d_loss = of_d(self.discriminator(self.real_inputs), self.discriminator(fake.detach()))
        self._move(self.optimizer_discriminator, d_loss)
        return g_loss.item(), d_loss.item(), 1, 1

    def _move(self, optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Logger:
    def run_mid_epoch(self, trainer):
        assert trainer.loss_information["generator_iters"] > 0

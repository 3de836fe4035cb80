from torch import nn


class DCGANGenerator(nn.Module):
    def __init__(self, out_channels, step_channels):
        super().__init__()
        self.encoding_dims = 5
        self.model = nn.Sequential(
            nn.Linear(5, step_channels), nn.Linear(step_channels, out_channels * 32**2), nn.Tanh()
        )

    def forward(self, z):
        return self.model(z).unflatten(1, (-1, 32, 32))


class DCGANDiscriminator(nn.Module):
    def __init__(self, in_channels, step_channels):
        super().__init__()
        self.model = nn.Sequential(
            nn.Flatten(), nn.Linear(in_channels * 32**2, step_channels), nn.Linear(step_channels, 1)
        )

    def forward(self, x):
        return self.model(x).flatten()

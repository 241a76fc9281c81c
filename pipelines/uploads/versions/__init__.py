"""An audience from one version to the next: what changes at the network, the files, the steps, the publication."""

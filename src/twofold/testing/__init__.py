"""What a connector author needs to prove a connector: contracts, faults, a state machine; product code never imports it."""

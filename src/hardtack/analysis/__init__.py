"""From the source of a typed Python call to the most memory it can hold. Never runs what it reads."""

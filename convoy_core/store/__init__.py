"""How a command reaches a server: URLs, clients, Sentinel, Cluster, and what an error there means. Knows no move."""

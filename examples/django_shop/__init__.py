"""A Django project whose products are indexed on change; see `shop`."""

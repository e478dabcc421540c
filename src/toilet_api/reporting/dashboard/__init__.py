"""The dashboard at `/dashboard`: pages for whoever has a browser and no front end yet."""

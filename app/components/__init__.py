"""What Streamlit has no widget for: small components in plain JavaScript, each a .py, .html, .css and .js side by side."""

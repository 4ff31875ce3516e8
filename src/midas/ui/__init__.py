"""Templates, components, translations and static assets of both sites; it knows no model."""

"""Renders an assessment, which carries ids, as text or JSON; resolves names and advice; decides nothing."""

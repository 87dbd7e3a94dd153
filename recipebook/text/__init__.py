"""Chats, calls and spans as text: what a chat template writes, and where in it something stands."""

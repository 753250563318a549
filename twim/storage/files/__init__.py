"""Files that people send: pictures, voice, video, documents.

`interface` says what a store is; `local` keeps files in a folder, `s3` in an object store, `opening` chooses
by URL. Bytes reach a store by way of the `spool`, on disk; `sniff` decides what they are; `cleaning` takes out of
pictures, by their `containers`, what they tell; `pictures` measures and shrinks them; `sweep` removes what no message
refers to.
"""

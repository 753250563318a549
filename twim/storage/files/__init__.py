"""Files that people send: pictures, voice, video, documents.

`interface` says what a store is; `local` keeps files in a folder, `s3` in an object store, `place` chooses
by URL. Bytes reach a store by way of the `spool`, on disk; `sniff` decides what they are; `pictures`
measures and shrinks; `sweep` removes what no message refers to.
"""

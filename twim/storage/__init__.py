from twim.storage import schema_push as schema_push  # its table belongs to the schema, whoever uses that

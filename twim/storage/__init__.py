# Tables of these modules belong to the schema, whoever uses that.
from twim.storage import schema_host_members as schema_host_members
from twim.storage import schema_push as schema_push

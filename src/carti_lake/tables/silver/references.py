"""What rows refer to and nobody has delivered."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class UnknownReferences(Table, layer="silver", table="unknown_references"):
    """What rows name and silver does not know, such as a visit's referral: the count behind each `…|unknown` check."""

    table_name = f.key("Silver table whose rows name it")
    rule = f.key("Check that counts them")
    month = dy.Date(primary_key=True, description="Month of the rows; 1900-01-01 where there is none")
    reference = dy.Int64(primary_key=True, description="xxHash64 of what they name")
    rows = f.count("Rows that name it")

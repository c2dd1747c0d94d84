"""The configuration file that `init` writes; it must never name a system that is not there by default."""

from __future__ import annotations

import json

_TEXT = """\
# Twofold keeps the records of two systems in step. This file says which tables and fields go together.
# Change it, then run:  twofold apply      (it shows what changes and asks)
#                       twofold plan       (what a run would do; writes nothing)
#                       twofold sync

connections:
  # Secrets are never written here: use ${{env:NAME}} for a variable, ${{file:PATH}} for a file.
  # A PostgreSQL database: {{kind: sql, url: "postgresql://user:${{env:ERP_PASSWORD}}@host/database"}}
  erp: {{kind: sql, url: {left_url}}}
  crm: {{kind: sql, url: {right_url}}}

mappings:
  # Mappings run in this order, except that what a mapping depends on or looks up comes first.
  CURRENCY:
    left: {{connection: erp, table: currency, key: id, modified: modified_at}}
    right: {{connection: crm, table: currency, key: id, modified: modified_at}}
    direction: to_right                   # both | to_right | to_left
    synch_only_coupled_records: false     # true: records that are not coupled yet are left alone
    match: [code]                         # records with the same code belong together
    fields:
      - {{left: code, right: code}}
      - {{left: name, right: name}}

  CUSTOMER:
    left: {{connection: erp, table: customer, key: id, modified: modified_at}}
    right: {{connection: crm, table: account, key: id, modified: modified_at}}
    direction: both
    update_conflict: merge                # merge | send (left wins) | get (right wins) | ask
    deletion_conflict: ask                # ask | restore | uncouple | delete
    match: [[number], [email, name]]      # first by number; where that finds nothing, by email and name
    fields:
      - {{left: number, right: account_number, direction: to_right}}
      - {{left: name, right: name}}
      - {{left: email, right: email, transform: {{to_right: [trim, lowercase]}}}}
      - {{left: currency_id, right: currency_id, lookup: CURRENCY}}   # the key of the coupled currency
    schedule: {{every: 30m}}
"""


def starter(left_url: str = "sqlite:///erp.db", right_url: str = "sqlite:///crm.db") -> str:
    """A commented example for two databases, ready to be changed; paths are relative to the workspace."""
    return _TEXT.format(left_url=json.dumps(left_url), right_url=json.dumps(right_url))

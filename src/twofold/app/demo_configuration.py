"""The demo's configuration: the five usual mappings of Business Central; it must never depend on a record."""

from __future__ import annotations

TEXT = """\
# The demo's configuration: the five mappings that Business Central synchronizes by default.
# Left is the ERP, right is the CRM. Change something, then run `twofold apply`.

connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}
  crm: {kind: sql, url: "sqlite:///crm.db"}

mappings:
  CURRENCY:
    left: {connection: erp, table: currency, key: id, modified: modified_at}
    right: {connection: crm, table: transactioncurrency, key: transactioncurrencyid, modified: modifiedon}
    direction: to_right                 # both | to_right | to_left
    synch_only_coupled_records: false   # records without a counterpart are created; true leaves them alone
    match: code                         # records with the same code belong together
    fields:
      - {left: code, right: isocurrencycode}
      - {left: description, right: currencyname}

  SALESPEOPLE:                          # the users of the CRM become the salespeople of the ERP
    left: {connection: erp, table: salesperson, key: id, modified: modified_at}
    right:
      connection: crm
      table: systemuser
      key: systemuserid
      modified: modifiedon
      filter: {isdisabled: "false"}
    direction: to_left
    synch_only_coupled_records: false
    match: email
    fields:
      - {left: code, right: employeeid}
      - {left: name, right: fullname}
      - {left: email, right: internalemailaddress}
      - {left: phone, right: mobilephone}

  VENDOR:                               # vendors and customers share one table of the CRM
    left: {connection: erp, table: vendor, key: id, modified: modified_at, filter: {blocked: "''"}}
    right:
      connection: crm
      table: account
      key: accountid
      modified: modifiedon
      filter: {statecode: 0, customertypecode: 11}
    synch_only_coupled_records: false
    match: [[number], [email]]          # by number; where that finds nothing, by e-mail
    fields:
      - {left: number, right: accountnumber, direction: to_right}
      - {left: name, right: name}
      - {left: email, right: emailaddress1, transform: {to_right: [trim, lowercase]}}
      - {left: phone, right: telephone1}
      - {left: home_page, right: websiteurl}
      - {left: address, right: address1_line1}
      - {left: city, right: address1_city}
      - {left: post_code, right: address1_postalcode}
      - {left: country, right: address1_country}
      - {left: payment_terms, right: paymenttermscode, options: {NET30: 1, 2PCT10: 2, NET45: 3, NET60: 4}}
      - {left: currency_code, right: transactioncurrencyid, lookup: {mapping: CURRENCY, left: code}}
      - {left: purchaser_code, right: ownerid, lookup: {mapping: SALESPEOPLE, left: code}}
      - {right: customertypecode, constant: 11}

  CUSTOMER:
    left: {connection: erp, table: customer, key: id, modified: modified_at, filter: {blocked: "''"}}
    right:
      connection: crm
      table: account
      key: accountid
      modified: modifiedon
      filter: {statecode: 0, customertypecode: 3}
    direction: both
    synch_only_coupled_records: false
    update_conflict: merge              # merge | send (erp wins) | get (crm wins) | ask
    deletion_conflict: ask              # ask | restore | uncouple | delete
    match: [[number], [email]]
    templates:                          # set when a record is created, never afterwards
      right:
        - {when: {country: "US"}, set: {preferredcontactmethodcode: 3}}
        - {set: {preferredcontactmethodcode: 2}}
      left:
        - {when: {address1_country: "DK"}, set: {posting_group: DOMESTIC}}
        - {set: {posting_group: FOREIGN}}
    fields:
      - {left: number, right: accountnumber}
      - {left: name, right: name}
      - {left: email, right: emailaddress1, transform: {to_right: [trim, lowercase]}}
      - {left: phone, right: telephone1}
      - {left: home_page, right: websiteurl}
      - {left: address, right: address1_line1}
      - {left: city, right: address1_city}
      - {left: post_code, right: address1_postalcode}
      - {left: country, right: address1_country}
      - {left: payment_terms, right: paymenttermscode, options: {NET30: 1, 2PCT10: 2, NET45: 3, NET60: 4}}
      - {left: credit_limit, right: creditlimit, direction: to_right}
      - {left: currency_code, right: transactioncurrencyid, lookup: {mapping: CURRENCY, left: code}}
      - {left: salesperson_code, right: ownerid, lookup: {mapping: SALESPEOPLE, left: code}}
      - {left: primary_contact_id, right: primarycontactid, lookup: CONTACT}   # a circle: see CONTACT
      - {right: customertypecode, constant: 3}

  CONTACT:
    left:
      connection: erp
      table: contact
      key: id
      modified: modified_at
      filter: {privacy_blocked: "false"}
    right: {connection: crm, table: contact, key: contactid, modified: modifiedon, filter: {statecode: 0}}
    synch_only_coupled_records: false
    match: email
    fields:
      - {left: first_name, right: firstname}
      - {left: surname, right: lastname}
      - {left: email, right: emailaddress1, transform: {to_right: [trim, lowercase]}}
      - {left: phone, right: telephone1}
      - {left: mobile, right: mobilephone}
      - {left: job_title, right: jobtitle}
      - {left: customer_id, right: parentcustomerid, lookup: CUSTOMER}
"""
"""What `twofold demo` writes to twofold.yaml."""

"""The records of the demo's two companies, the same every time; it must never write them anywhere.

The ERP holds everything; the CRM begins with what a sales team would have typed in before anybody thought of
synchronizing: some of the same records, under keys of its own, and a few that the ERP has never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from twofold.app.demo_sample import CURRENCIES, Row, Sample, plain

CUSTOMERS, VENDORS, CONTACTS, SALESPEOPLE = 300, 60, 500, 12
BLOCKED_CUSTOMERS, PRIVATE_CONTACTS = 12, 8
"""Records outside the filters: the mappings leave them alone."""
HIRED_IN_CRM = 2
KNOWN_CUSTOMERS, KNOWN_VENDORS = 40, 12
"""Records that the CRM has as well, to be matched."""
WEB_SHOP, CLOSED_ACCOUNTS = 9, 6
"""Accounts that only the CRM has: new customers, and inactive ones that are outside the filter."""

PAYMENT_TERMS = {"NET30": 1, "2PCT10": 2, "NET45": 3, "NET60": 4}
CUSTOMER, VENDOR = 3, 11
"""The account types of Dataverse: customertypecode."""


@dataclass
class Records:
    """The rows of each table, by table."""

    erp: dict[str, list[Row]] = field(default_factory=dict)
    crm: dict[str, list[Row]] = field(default_factory=dict)


def make_records() -> Records:
    """All rows of both systems."""
    sample, records = Sample(), Records()
    _add_currencies(records, sample)
    _add_salespeople(records, sample)
    _add_companies(records, sample, "customer", CUSTOMERS)
    _add_companies(records, sample, "vendor", VENDORS)
    _add_contacts(records, sample)
    _add_known_accounts(records, sample)
    _add_strangers(records, sample)
    return records


# -- what the ERP has --------------------------------------------------------------------------------------


def _add_currencies(records: Records, sample: Sample) -> None:
    import pycountry

    records.erp["currency"] = [
        {"id": sample.key(), "code": one.alpha_3, "description": one.name[:60], "modified_at": sample.stamp()}
        for one in sorted(pycountry.currencies, key=lambda currency: str(currency.alpha_3))
    ]
    records.crm["transactioncurrency"] = [
        {
            "transactioncurrencyid": sample.key(),
            "isocurrencycode": row["code"],
            "currencyname": row["description"],
            "modifiedon": sample.stamp(),
        }
        for row in records.erp["currency"]
        if row["code"] in CURRENCIES.values()
    ]


def _add_salespeople(records: Records, sample: Sample) -> None:
    """All are users of the CRM; the ERP does not know the newest of them yet."""
    users = [_user(number, sample) for number in range(1, SALESPEOPLE + 1)]
    records.crm["systemuser"] = users
    records.erp["salesperson"] = [
        {
            "id": sample.key(),
            "code": user["employeeid"],
            "name": user["fullname"],
            "email": user["internalemailaddress"],
            "phone": user["mobilephone"],
            "modified_at": sample.stamp(),
        }
        for user in users[: SALESPEOPLE - HIRED_IN_CRM]
    ]


def _user(number: int, sample: Sample) -> Row:
    name, mobile = sample.colleague()
    return {
        "systemuserid": sample.key(),
        "employeeid": f"S{number:02}",
        "fullname": name,
        "internalemailaddress": f"{plain(name).replace('-', '.')}@nordlys.example",
        "mobilephone": mobile,
        "isdisabled": 0,
        "modifiedon": sample.stamp(),
    }


def _add_companies(records: Records, sample: Sample, table: str, count: int) -> None:
    blocked = BLOCKED_CUSTOMERS if table == "customer" else 0
    codes = [row["code"] for row in records.erp["salesperson"]]
    rows = [_company(table, number, sample, codes) for number in range(1, count + 1)]
    for row in rows[len(rows) - blocked :]:
        row["blocked"] = "ALL"
    records.erp[table] = rows


def _company(table: str, number: int, sample: Sample, codes: list[str]) -> Row:
    row = {"id": sample.key(), "number": f"{table[0].upper()}{10_000 + number}", **sample.company()}
    row["payment_terms"] = sample.pick(list(PAYMENT_TERMS))
    row["currency_code"] = CURRENCIES[row["country"]]
    if table == "customer":
        row["email"] = row["email"].title() if number % 25 == 0 else row["email"]
        row["credit_limit"] = sample.pick([5_000, 12_500, 25_000, 40_000, 75_000])
        row["salesperson_code"] = sample.pick(codes)
        row["posting_group"] = "DOMESTIC" if row["country"] == "DK" else "FOREIGN"
    else:
        row["purchaser_code"] = sample.pick(codes)
    return {**row, "blocked": "", "modified_at": sample.stamp()}


def _add_contacts(records: Records, sample: Sample) -> None:
    """The first contact of a customer is its primary one."""
    open_customers = [row for row in records.erp["customer"] if not row["blocked"]]
    contacts = []
    for number in range(CONTACTS):
        customer = open_customers[number % len(open_customers)]
        person = {"id": sample.key(), **sample.person(customer), "customer_id": customer["id"]}
        customer.setdefault("primary_contact_id", person["id"])
        contacts.append({**person, "privacy_blocked": 0, "modified_at": sample.stamp()})
    for row in contacts[CONTACTS - PRIVATE_CONTACTS :]:
        row["privacy_blocked"] = 1
    records.erp["contact"] = contacts


# -- what the CRM has --------------------------------------------------------------------------------------


def _add_known_accounts(records: Records, sample: Sample) -> None:
    """Customers under their number, vendors without one, and the primary contacts of those customers."""
    customers = records.erp["customer"][:KNOWN_CUSTOMERS]
    accounts = [_account(row, records, sample, CUSTOMER) for row in customers]
    vendors = [_account(row, records, sample, VENDOR) for row in records.erp["vendor"][:KNOWN_VENDORS]]
    for account in vendors:
        account["accountnumber"] = None
    owners = dict(zip((row["id"] for row in customers), accounts, strict=True))
    records.crm["contact"] = list(_known_contacts(records, sample, owners))
    records.crm["account"] = [*accounts, *vendors]


def _known_contacts(records: Records, sample: Sample, owners: dict[str, Row]) -> Iterator[Row]:
    for row in records.erp["contact"][: len(owners)]:
        account = owners[row["customer_id"]]
        contact = _contact(row, account, sample)
        account["primarycontactid"] = contact["contactid"]
        yield contact


def _contact(row: Row, account: Row, sample: Sample) -> Row:
    return {
        "contactid": sample.key(),
        "firstname": row["first_name"],
        "lastname": row["surname"],
        "emailaddress1": row["email"],
        "telephone1": row["phone"],
        "mobilephone": row["mobile"],
        "jobtitle": row["job_title"],
        "parentcustomerid": account["accountid"],
        "statecode": 0,
        "modifiedon": sample.stamp(),
    }


def _account(row: Row, records: Records, sample: Sample, kind: int) -> Row:
    currency = _key_of(records.crm["transactioncurrency"], "isocurrencycode", row["currency_code"])
    seller = row.get("salesperson_code") or row.get("purchaser_code")
    return {
        "accountid": sample.key(),
        "accountnumber": row["number"],
        "name": row["name"],
        "emailaddress1": row["email"].lower(),
        "telephone1": row["phone"],
        "websiteurl": row["home_page"],
        "address1_line1": row["address"],
        "address1_city": row["city"],
        "address1_postalcode": row["post_code"],
        "address1_country": row["country"],
        "paymenttermscode": PAYMENT_TERMS[row["payment_terms"]],
        "transactioncurrencyid": currency,
        "ownerid": _key_of(records.crm["systemuser"], "employeeid", seller),
        "customertypecode": kind,
        "preferredcontactmethodcode": 1,
        "statecode": 0,
        "modifiedon": sample.stamp(),
    }


def _key_of(rows: list[Row], name: str, value: Any) -> str | None:
    """The key, which every table has first, of the row with this value."""
    return next((str(next(iter(row.values()))) for row in rows if row[name] == value), None)


def _add_strangers(records: Records, sample: Sample) -> None:
    """Accounts that came in through the web shop, each with a contact, and some that were closed long ago."""
    codes = [row["employeeid"] for row in records.crm["systemuser"]]
    for number in range(WEB_SHOP + CLOSED_ACCOUNTS):
        company = _company("customer", number, sample, codes) | {"number": f"W{20_001 + number}"}
        account = _account(company, records, sample, CUSTOMER)
        account["statecode"] = int(number >= WEB_SHOP)
        records.crm["account"].append(account)
        if number < WEB_SHOP:
            contact = _contact(sample.person(company), account, sample)
            account["primarycontactid"] = contact["contactid"]
            records.crm["contact"].append(contact)

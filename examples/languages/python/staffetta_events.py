"""Reads events of Staffetta, and writes a request: Python with protobuf alone.

  protoc --descriptor_set_in=schemas/staffetta.campaign.v1.binpb --python_out=DIR \
    $(cd proto && echo staffetta/campaign/v1/*.proto)
  PYTHONPATH=DIR python3 staffetta_events.py < LINES
  PYTHONPATH=DIR python3 staffetta_events.py request

A line is an event: its headers ce-type and content-type, and its payload in base64,
with a tab between them. With a client of NATS it is read(msg.headers, msg.data).
"""

import base64
import importlib
import pkgutil
import sys
from decimal import Decimal

import staffetta.campaign.v1 as contract
from google.protobuf import json_format, symbol_database
from staffetta.campaign.v1 import campaign_requested_pb2

# Every message of the contract, known by its full name from here on.
for module in pkgutil.iter_modules(contract.__path__):
    importlib.import_module(f"{contract.__name__}.{module.name}")
messages = symbol_database.Default()


def read(headers, payload):
    """The message of an event; None if its type is one of a later version."""
    try:
        message = messages.GetSymbol(headers["ce-type"])()
    except KeyError:
        return None
    if headers.get("content-type") == "application/json":
        return json_format.Parse(payload, message, ignore_unknown_fields=True)
    message.ParseFromString(payload)
    return message


def request():
    """A request, as its bytes are published on campaign.v1.request.shop-italia.python-1."""
    asked = campaign_requested_pb2.CampaignRequested(
        source="shop-italia", request_id="python-1", name="From Python", sender="ShopItalia",
        text="Saldi!", contact_list_id=87, immediately=True,
    )
    asked.max_total.amount, asked.max_total.currency = str(Decimal("300.00")), "EUR"
    asked.approval_within.FromSeconds(3600)
    return asked


if sys.argv[1:] == ["request"]:
    print(base64.b64encode(request().SerializeToString()).decode())
    print(base64.b64encode(json_format.MessageToJson(request()).encode()).decode())
else:
    for line in sys.stdin:
        kind, content, data = line.rstrip("\n").split("\t")
        event = read({"ce-type": kind, "content-type": content}, base64.b64decode(data))
        print("unknown" if event is None else json_format.MessageToJson(event, indent=None))

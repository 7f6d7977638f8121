from campaigns.delivery.models.content import Template, TemplateVersion
from campaigns.delivery.models.csm_task import CsmTask
from campaigns.delivery.models.feedback import IntakeWatch, LinkTarget, ProviderEvent, SeenProviderEvent, TrackedLink
from campaigns.delivery.models.in_app import InAppMessage
from campaigns.delivery.models.ledger import AttentionBudget, DeliveryAttempt, Message, SendGate
from campaigns.delivery.models.limits import ChannelHealth, DailySpend, SendRate
from campaigns.delivery.models.past import PastMessage

__all__ = [
    "AttentionBudget",
    "ChannelHealth",
    "CsmTask",
    "DailySpend",
    "DeliveryAttempt",
    "InAppMessage",
    "IntakeWatch",
    "LinkTarget",
    "Message",
    "PastMessage",
    "ProviderEvent",
    "SeenProviderEvent",
    "SendGate",
    "SendRate",
    "Template",
    "TemplateVersion",
    "TrackedLink",
]

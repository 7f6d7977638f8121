"""Two people, or two tabs, at the same part: the later save must not silently undo the earlier one.

A form carries the fingerprint of what it was filled from in its field `was`. When that is not what is stored any more,
saving is refused once; the page shown then carries the new fingerprint, so that saving again is meant.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _


def fingerprint(value: Any) -> str:
    """Of plain data, times and dates: the same for the same contents."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def may_save(request: HttpRequest, form: forms.Form, *, stored: Any) -> bool:
    """Whether the form is right and nothing came between; else the form says why. A form without `was` may."""
    was = request.POST.get("was", "")
    if was and was != fingerprint(stored):
        words = _("This was changed in another window meanwhile. Yours is shown, not saved: save again to replace it.")
        form.add_error(None, words)
    return form.is_valid()

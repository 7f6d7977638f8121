"""Words on Django's own admin pages that its Hebrew or Romanian catalogue lacks: marked here, so that ours has them.

A catalogue of ours goes before Django's. Texts must stay exactly as Django writes them.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop

LISTS = (
    gettext_noop("Model name"),
    gettext_noop("Add link"),
    gettext_noop("Change or view list link"),
    gettext_noop("Show counts"),
    gettext_noop("Hide counts"),
    gettext_noop("Run"),
    gettext_noop("Select all objects on this page for an action"),
    gettext_noop("Select this object for an action - {}"),
    gettext_noop("Pagination %(name)s"),
)
FORMS = (
    gettext_noop("- Select an option -"),
    gettext_noop("View selected %(model)s"),
    gettext_noop("Please correct the error below."),
    gettext_noop("Please correct the errors below."),
    gettext_noop("Hold down “Control”, or “Command” on a Mac, to select more than one."),
    gettext_noop("This object doesn’t have a change history. It probably wasn’t added via this admin site."),
)
FRAME = (
    gettext_noop("Sidebar"),
    gettext_noop("Filter navigation items"),
    gettext_noop("Skip to main content"),
    gettext_noop("Toggle theme (current theme: auto)"),
    gettext_noop("Toggle theme (current theme: light)"),
    gettext_noop("Toggle theme (current theme: dark)"),
    gettext_noop("You don’t have permission to view or edit anything."),
)
PEOPLE = (
    gettext_noop("Password-based authentication"),
    gettext_noop("Enabled"),
    gettext_noop("Disabled"),
    gettext_noop("Reset password"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop(
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able "
        "to authenticate using other backends, such as Single Sign-On or LDAP."
    ),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),
)

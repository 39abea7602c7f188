"""The forms of accounts: what they ask for, and in which words."""

from dataclasses import replace

from server.accounts.passwords import MINIMUM_LENGTH
from server.models import User
from server.web.form_page import FormPage, HiddenField, InputField
from server.web.links import Link

EMAIL = InputField(name="email", label="E-mail", kind="email", autocomplete="username")
PASSWORD = InputField(
    name="password", label="Password", kind="password", autocomplete="current-password"
)
NEW_PASSWORD = InputField(
    name="password",
    label="New password",
    kind="password",
    hint=f"At least {MINIMUM_LENGTH} characters. A long sentence is better than a strange word.",
    autocomplete="new-password",
)
CURRENT_PASSWORD = InputField(
    name="current_password",
    label="Password of now",
    kind="password",
    autocomplete="current-password",
)
TOKEN = HiddenField(name="token")
TO_ACCOUNT = Link(text="Back to the account", url="/account")
TO_SIGN_IN = Link(text="Sign in", url="/sign-in")

SIGN_IN = FormPage(
    title="Sign in",
    lead="Reading needs no account; submitting does.",
    action="/sign-in",
    button="Sign in",
    fields=(EMAIL, PASSWORD),
    hidden=(HiddenField(name="next"),),
    links=(
        Link(text="Make an account", url="/sign-up"),
        Link(text="Forgot the password?", url="/password-reset"),
    ),
)
SIGN_UP = FormPage(
    title="Make an account",
    lead="You get a mail with a link that confirms your address. An account is for one person; "
    "several people make a team.",
    action="/sign-up",
    button="Make an account",
    fields=(
        EMAIL,
        InputField(
            name="name",
            label="Name",
            hint="Shown beside your entries. Empty: what stands before the @.",
            autocomplete="name",
            is_required=False,
        ),
        replace(NEW_PASSWORD, label="Password"),
    ),
    links=(Link(text="I have an account", url="/sign-in"),),
)
CONFIRM_SIGN_UP = FormPage(
    title="Confirm your address",
    lead="",
    action="/sign-up/confirm",
    button="Confirm",
    hidden=(TOKEN,),
)
RESET = FormPage(
    title="Forgot the password?",
    lead="You get a mail with a link to choose a new one.",
    action="/password-reset",
    button="Send the mail",
    fields=(EMAIL,),
    links=(TO_SIGN_IN,),
)
CHOOSE_PASSWORD = FormPage(
    title="Choose a new password",
    lead="All browsers are signed out. Tokens stay valid; revoke on the account page those that "
    "somebody else may know.",
    action="/password-reset/choose",
    button="Change the password",
    fields=(NEW_PASSWORD,),
    hidden=(TOKEN,),
)
CHANGE_PASSWORD = FormPage(
    title="Change the password",
    lead="All other browsers are signed out. Tokens stay valid.",
    action="/account/password",
    button="Change the password",
    fields=(CURRENT_PASSWORD, NEW_PASSWORD),
    links=(TO_ACCOUNT,),
)
CHANGE_EMAIL = FormPage(
    title="Change the address",
    lead="The new address gets a mail with a link that confirms it. Until then nothing changes.",
    action="/account/email",
    button="Send the mail",
    fields=(
        InputField(name="email", label="New e-mail", kind="email", autocomplete="email"),
        PASSWORD,
    ),
    links=(TO_ACCOUNT,),
)
CONFIRM_EMAIL = FormPage(
    title="Confirm your new address",
    lead="",
    action="/email/confirm",
    button="Confirm",
    hidden=(TOKEN,),
)
DELETE = FormPage(
    title="Delete the account",
    lead="Your name, address, tokens and sign-ins are deleted for good. What you submitted keeps "
    "its scores and its place on the boards, under the name Deleted user; what you submitted for a "
    "team stays the team's. Private entries that are yours alone are seen by nobody any more.",
    action="/account/delete",
    button="Delete the account",
    fields=(PASSWORD,),
    is_danger=True,
    links=(TO_ACCOUNT,),
)


def profile_fields(user: User) -> tuple[InputField, ...]:
    return (
        InputField(
            name="name",
            label="Name",
            value=user.name,
            hint="Shown beside what you submit for yourself.",
            autocomplete="name",
        ),
        InputField(
            name="affiliation",
            label="Affiliation",
            value=user.affiliation or "",
            hint="Shown to the members of your teams, like the link.",
            autocomplete="organization",
            is_required=False,
        ),
        InputField(
            name="link",
            label="Link",
            kind="url",
            value=user.link or "",
            hint="A page about you: https://...",
            autocomplete="url",
            is_required=False,
        ),
    )

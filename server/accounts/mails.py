"""What is written to people about their accounts."""

from server.mail.mailer import Mail

FOOTER = "\n\nIf that was not you, there is nothing to do: this mail changes nothing by itself.\n"


def confirm_sign_up(email: str, *, site_url: str, secret: str) -> Mail:
    return Mail(
        recipient=email,
        subject="Confirm your address for LUSS Bench",
        body=f"Somebody, probably you, made an account with this address at\n{site_url}\n\n"
        "Open this link within 24 hours to confirm the address:\n\n"
        f"{site_url}/sign-up/confirm?token={secret}{FOOTER}",
    )


def already_signed_up(email: str, *, site_url: str) -> Mail:
    return Mail(
        recipient=email,
        subject="You have an account at LUSS Bench already",
        body="Somebody, probably you, wanted to make an account with this address, which has one.\n"
        f"Sign in at\n\n{site_url}/sign-in\n\n"
        f"If you do not know the password any more:\n\n{site_url}/password-reset{FOOTER}",
    )


def reset_password(email: str, *, site_url: str, secret: str) -> Mail:
    return Mail(
        recipient=email,
        subject="A new password for LUSS Bench",
        body="Somebody, probably you, wants to choose a new password.\n"
        "Open this link within an hour:\n\n"
        f"{site_url}/password-reset/choose?token={secret}{FOOTER}",
    )


def no_account(email: str, *, site_url: str) -> Mail:
    return Mail(
        recipient=email,
        subject="No account at LUSS Bench with this address",
        body="Somebody, probably you, wants to choose a new password, but no account has this\n"
        f"address. Perhaps it has another one; or make an account:\n\n{site_url}/sign-up{FOOTER}",
    )


def confirm_email(email: str, *, site_url: str, secret: str) -> Mail:
    return Mail(
        recipient=email,
        subject="Confirm your new address for LUSS Bench",
        body="This is to become the address of an account.\n"
        "Open this link within 24 hours to confirm it:\n\n"
        f"{site_url}/email/confirm?token={secret}{FOOTER}",
    )


def email_taken(email: str, *, site_url: str) -> Mail:
    return Mail(
        recipient=email,
        subject="This address has an account at LUSS Bench",
        body="Somebody, probably you, wanted to give this address to another account, but it has\n"
        f"one of its own. Sign in with it, and delete it if you do not need it:\n\n"
        f"{site_url}/account{FOOTER}",
    )


def changed(email: str, *, site_url: str, what: str) -> Mail:
    """Tell somebody of a change of their account, in case that it was not theirs."""
    return Mail(
        recipient=email,
        subject=f"Your account at LUSS Bench: {what}",
        body=f"{what[0].upper()}{what[1:]}.\n\nIf that was not you, choose a new password:\n\n"
        f"{site_url}/password-reset\n",
    )


def deleted(email: str, *, site_url: str) -> Mail:
    return Mail(
        recipient=email,
        subject="Your account at LUSS Bench is deleted",
        body=f"Your account at {site_url} is deleted, with your name, your address, your tokens\n"
        "and your sign-ins. What you submitted stays on the boards without your name.\n",
    )

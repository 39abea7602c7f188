"""Everything that can go wrong in the server's own vocabulary.

* ServerError
    + BodyUnreadable                400  bad_request
    + NotSignedIn                   401  not_signed_in
    + NotAllowed                    403  not_allowed
        - FormExpired               403  form_expired
        - DetailWithheld            403  detail_withheld
    + NotFound                      404  not_found
        - LinkExpired               404  link_expired
    + Conflict                      409
        - TruthMissing              409  truth_missing
        - ImagesMissing             409  images_missing
        - ClassCountDiffers         409  class_count_differs
        - AlreadyExists             409  already_exists
        - UploadOffsetDiffers       409  upload_offset_differs
        - UploadIncomplete          409  upload_incomplete
        - UploadUsed                409  upload_used
        - LastOwner                 409  last_owner
        - LimitReached              409  limit_reached
        - MailUnavailable           409  mail_unavailable
        - EntryNotShown             409  entry_not_shown
        - EntriesUnlike             409  entries_unlike
        - BoardNotOpen              409  board_not_open
        - BoardPaused               409  board_paused
        - TooManyUploads            409  too_many_uploads
        - EntryEnded                409  entry_ended
        - EntryUnderWay             409  entry_under_way
    + UploadStalled                 408  upload_stalled
    + UploadGone                    410  upload_gone
    + TusVersionUnknown             412  tus_version_unknown
    + TooLarge                      413  archive_too_large
        - UploadTooLong             413  upload_too_long
        - WeightsTooLarge           413  weights_too_large
    + ContentTypeWrong              415  content_type_wrong
    + Refused                       422
        - SignInRefused             422  sign_in_refused
        - PasswordWrong             422  password_wrong
        - FieldInvalid              422  field_invalid
        - UploadMalformed           422  upload_malformed
        - ArchiveEmpty              422  archive_empty
        - DeclarationsIncomplete    422  declarations_incomplete
        - DeclarationsContradict    422  declarations_contradict
        - UploadDiffers             422  upload_differs
        - WeightsNotTaken           422  weights_not_taken
        - WeightsUnreadable         422  weights_unreadable
        - WeightsLayoutUnknown      422  weights_layout_unknown
    + UploadLocked                  423  upload_locked
    + TooManyAttempts               429  too_many_attempts
    + QuotaUsed                     429  quota_used
        - QuotaTotal                429  quota_total
        - QuotaDaily                429  quota_daily
        - QuotaHourly               429  quota_hourly
        - QuotaInFlight             429  quota_in_flight
    + RateLimited                   429  rate_limited
    + DatabaseUnavailable           503  database_unavailable
    + StorageUnavailable            503  storage_unavailable
    + NotReady                      503  not_ready
    + StorageFull                   507  storage_full

A code never changes its meaning: programs rely on it. The message of an error is a sentence for
the person who must act; the docstring of its class, shown at /docs/errors, says what happened and,
after a gap, what to do.
"""

from collections.abc import Iterator
from typing import Self


class ServerError(Exception):
    """The server met something that it did not foresee: our fault, not yours.

    It was logged. Please try again.
    """

    status: int = 500
    code: str = "server_error"
    title: str = "Something went wrong"

    def __init__(self, message: str, **details: object) -> None:
        """Keep ``details``, JSON values that a program may want beside the sentence."""
        super().__init__(message)
        self.message = message
        self.details = details

    @classmethod
    def kinds(cls) -> Iterator[type[Self]]:
        """Yield this kind of error and every kind of it."""
        yield cls
        for kind in cls.__subclasses__():
            yield from kind.kinds()

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says beside its body."""
        wait = self.details.get("retry_after_seconds")
        return {} if wait is None else {"Retry-After": str(wait)}


class BodyUnreadable(ServerError):
    """The body of the request is neither JSON nor a form.

    Send what the address takes, in UTF-8.
    """

    status = 400
    code = "bad_request"
    title = "The request could not be read"


class NotSignedIn(ServerError):
    """Nobody is signed in, or the token is unknown, revoked or expired.

    Sign in, or send a token that is valid in the header Authorization: Bearer.
    """

    status = 401
    code = "not_signed_in"
    title = "Sign in first"

    @property
    def headers(self) -> dict[str, str]:
        """Name the scheme, as every 401 must."""
        return {"WWW-Authenticate": "Bearer"}


class NotAllowed(ServerError):
    """You are known, and may not do this.

    A token of scope read cannot submit: make one of scope submit.
    """

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class FormExpired(NotAllowed):
    """The form was opened before the last sign-in, or does not come from this site.

    Load its page again and send it once more.
    """

    code = "form_expired"
    title = "This form has expired"


class DetailWithheld(NotAllowed):
    """The board of a hidden split shows no scores per class.

    Its organizers decide what it shows; the headline scores are open to everyone.
    """

    code = "detail_withheld"
    title = "This board shows no more"


class NotFound(ServerError):
    """There is no such thing, or it is not yours to read.

    For a misspelt word the message says which one was probably meant.
    """

    status = 404
    code = "not_found"
    title = "Not found"


class LinkExpired(NotFound):
    """The link of a mail was used already, is too old, or was replaced by a newer one.

    Ask for a new one where you asked for this one.
    """

    code = "link_expired"
    title = "This link does not work any more"


class Conflict(ServerError):
    """What is there already stands in the way of the request."""

    status = 409
    code = "conflict"
    title = "Not possible now"


class TruthMissing(Conflict):
    """The split has no masks on this server, so nothing can be scored.

    The submit page lists the splits that can be submitted to.
    """

    code = "truth_missing"
    title = "Nothing to score against yet"


class ImagesMissing(Conflict):
    """The server does not have the images of this split, so it cannot run a model on them.

    Submit masks instead; its operator names the folder of the images with luss admin dataset.
    """

    code = "images_missing"
    title = "No images here"


class ClassCountDiffers(Conflict):
    """Masks, or a recipe, are for another number of categories than their data set has.

    Operators pass the number that the data set has; organizers choose another recipe.
    """

    code = "class_count_differs"
    title = "Another number of categories"


class AlreadyExists(Conflict):
    """The name is taken.

    Choose another one, or use what is there.
    """

    code = "already_exists"
    title = "There already is one"


class UploadOffsetDiffers(Conflict):
    """The bytes that were sent do not go on where the server's end.

    Ask with HEAD how many bytes are safe, and go on from there.
    """

    code = "upload_offset_differs"
    title = "The upload goes on elsewhere"


class UploadIncomplete(Conflict):
    """The upload that the entry names has not arrived whole.

    Send the rest of it first; HEAD tells how many bytes are safe.
    """

    code = "upload_incomplete"
    title = "The upload is not complete"


class UploadUsed(Conflict):
    """The upload has become a submission already, and becomes no second one.

    Upload the archive again to submit it again.
    """

    code = "upload_used"
    title = "This upload is a submission already"


class UploadStalled(ServerError):
    """No byte came for a while, so that the request was ended. What had come is kept.

    Ask with HEAD how many bytes are safe, and go on from there.
    """

    status = 408
    code = "upload_stalled"
    title = "The upload stood still"


class UploadGone(ServerError):
    """The upload was kept for as long as unfinished ones are, and is gone.

    Begin a new one.
    """

    status = 410
    code = "upload_gone"
    title = "The upload has expired"


class TusVersionUnknown(ServerError):
    """The request names no version of the tus protocol, or one that is not spoken here.

    Send the header Tus-Resumable: 1.0.0.
    """

    status = 412
    code = "tus_version_unknown"
    title = "Another version of tus"


class LastOwner(Conflict):
    """A team would be left without anybody who may look after it.

    Make another member an owner first.
    """

    code = "last_owner"
    title = "You are the only owner"


class LimitReached(Conflict):
    """There are as many of these as there may be.

    Remove one that is not needed any more.
    """

    code = "limit_reached"
    title = "There are too many already"


class MailUnavailable(Conflict):
    """This server has no mail server, so it can write to nobody.

    Ask its operator, who can make accounts and tokens.
    """

    code = "mail_unavailable"
    title = "This server sends no mail"


class EntryNotShown(Conflict):
    """The entry is private, or has no scores, so no board can show it.

    Publish it first, or choose another entry.
    """

    code = "entry_not_shown"
    title = "A board cannot show this entry"


class EntriesUnlike(Conflict):
    """The entries were not scored on the same masks, or what comparing needs was not kept of one.

    Compare entries of one data set and split that were scored under its truth in force.
    """

    code = "entries_unlike"
    title = "These entries cannot be compared"


class BoardNotOpen(Conflict):
    """The board takes no entries yet.

    The message says when it opens, and so does the board's page.
    """

    code = "board_not_open"
    title = "This board has not opened yet"


class BoardPaused(Conflict):
    """The board's organizers have stopped taking entries for a while.

    What had been entered is still scored. The board's page tells when it goes on.
    """

    code = "board_paused"
    title = "This board is paused"


class TooManyUploads(Conflict):
    """You have as many uploads that are no submission yet as one person may have.

    Finish one and submit it, give one up with DELETE, or wait until they expire.
    """

    code = "too_many_uploads"
    title = "Too many unfinished uploads"


class EntryEnded(Conflict):
    """The submission was rejected, withdrawn, or has failed: nothing of it changes any more.

    Submit again.
    """

    code = "entry_ended"
    title = "This submission has ended"


class EntryUnderWay(Conflict):
    """The submission waits or is being worked on, so its method card cannot be changed yet.

    Change it when the submission is scored.
    """

    code = "entry_under_way"
    title = "Wait until it is scored"


class TooLarge(ServerError):
    """The body of the request has more bytes than are taken.

    Masks compress well: look for other files in the archive.
    """

    status = 413
    code = "archive_too_large"
    title = "The archive is too large"


class UploadTooLong(TooLarge):
    """More bytes were sent than the upload was said to have. None of this request was kept.

    Begin a new upload if the file has changed.
    """

    code = "upload_too_long"
    title = "More bytes than announced"


class WeightsTooLarge(TooLarge):
    """The file of weights has more bytes than are taken.

    Leave out what distance matching does not read: heads, optimizers, a second copy for averaging;
    or store half precision.
    """

    code = "weights_too_large"
    title = "The weights are too large"


class ContentTypeWrong(ServerError):
    """The body is not of the kind that this address takes.

    The message names the content type to send.
    """

    status = 415
    code = "content_type_wrong"
    title = "Another content type is wanted"


class Refused(ServerError):
    """The request was understood, and cannot be taken as it is.

    The message says what to change.
    """

    status = 422
    code = "refused"
    title = "Please correct this"


class SignInRefused(Refused):
    """No account has this address and this password.

    Check both: the answer does not say which of them is wrong.
    """

    code = "sign_in_refused"
    title = "E-mail and password do not match"


class PasswordWrong(Refused):
    """The password that confirms a change of the account is not the account's.

    Type the one that you sign in with.
    """

    code = "password_wrong"
    title = "That is not your password"


class FieldInvalid(Refused):
    """A field is missing, or holds what it may not.

    The message names the field and what it may hold.
    """

    code = "field_invalid"


class UploadMalformed(Refused):
    """The form is no multipart/form-data, is cut short, or goes on after the archive.

    Send the fields first and the archive last, and send it again if it was cut short.
    """

    code = "upload_malformed"
    title = "The upload could not be read"


class ArchiveEmpty(Refused):
    """No archive came, or one without bytes.

    Choose the zip of masks.
    """

    code = "archive_empty"
    title = "The archive is empty"


class DeclarationsIncomplete(Refused):
    """Not each of the seven facts was answered with yes or no.

    The message lists those that are missing or unknown.
    """

    code = "declarations_incomplete"
    title = "Some facts are not declared"


class DeclarationsContradict(Refused):
    """A declared yes is one that the protocol does not allow.

    The message names the facts, and the protocol that would take the entry.
    """

    code = "declarations_contradict"
    title = "Another protocol takes this entry"


class UploadDiffers(Refused):
    """The bytes that arrived are not those whose SHA-256 was announced; the upload was deleted.

    The file changed on the way, or while it was being sent. Send it again.
    """

    code = "upload_differs"
    title = "The upload is damaged"


class WeightsNotTaken(Refused):
    """Weights were sent to a board whose protocol takes masks alone.

    Choose the protocol distance matching, or make the masks yourself and submit those.
    """

    code = "weights_not_taken"
    title = "This board takes masks"


class WeightsUnreadable(Refused):
    """The file is not safetensors, or what it says of itself does not fit its size.

    Write it with safetensors.torch.save_file. Other formats, .pth and .pt among them, can run code
    when they are read, and are never opened here.
    """

    code = "weights_unreadable"
    title = "These are no readable weights"


class WeightsLayoutUnknown(Refused):
    """The tensors' names and shapes are of no backbone that is known here.

    Known are ResNet-18 and ResNet-50 as torchvision names their tensors, and plain vision
    transformers as timm does; the message says what was looked for.
    """

    code = "weights_layout_unknown"
    title = "An unknown backbone"


class UploadLocked(ServerError):
    """Another request is writing to this upload.

    Wait some seconds and ask with HEAD how far it has come: a request that was cut off is
    forgotten after 20 seconds at most.
    """

    status = 423
    code = "upload_locked"
    title = "The upload is being written to"


class TooManyAttempts(ServerError):
    """It was tried too often in a short time: signing in, or writing to an address.

    Wait as long as Retry-After says; for a forgotten password there is a link by mail.
    """

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class QuotaUsed(ServerError):
    """Your team has used up one of the board's limits; the code and the message say which.

    resets_at is when there is room again, null where nobody can say. Nothing of the entry was kept
    but an upload that has a file of its own, which can be entered then.
    """

    status = 429
    code = "quota_used"
    title = "The quota is used up"


class QuotaTotal(QuotaUsed):
    """Your team has as many entries on this board as it may ever have.

    Withdrawn entries count too; rejected and failed ones do not.
    """

    code = "quota_total"
    title = "No entries are left on this board"


class QuotaDaily(QuotaUsed):
    """Your team has as many entries on this board as it may have on one day.

    The day ends at midnight UTC, as resets_at says. Withdrawn entries count, rejected and failed
    ones do not.
    """

    code = "quota_daily"
    title = "No entries are left today"


class QuotaHourly(QuotaUsed):
    """Too many of your team's entries of the last hour were rejected, or failed.

    These do not count against the other limits, so there is a cap on them. Check archives with luss
    check, and wait until resets_at.
    """

    code = "quota_hourly"
    title = "Too many entries were rejected"


class QuotaInFlight(QuotaUsed):
    """As many of your team's entries wait or are being scored as may at a time.

    Wait until one of them is finished.
    """

    code = "quota_in_flight"
    title = "Your last entries are still being scored"


class RateLimited(ServerError):
    """More requests came with one token, or from one address, than are answered in a while.

    Wait as long as Retry-After says. RateLimit and RateLimit-Policy in each answer tell how many
    are left.
    """

    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class StorageUnavailable(ServerError):
    """The store of archives does not answer: its operators' fault, not yours.

    What was submitted before is safe, and so is an upload that can be resumed. Send it again later.
    """

    status = 503
    code = "storage_unavailable"
    title = "Archives cannot be stored now"


class StorageFull(ServerError):
    """The server has no room for another archive: its operators' fault, not yours.

    What was submitted before is safe, and so is what had arrived of an upload that can be resumed.
    Send it again later.
    """

    status = 507
    code = "storage_full"
    title = "The server's disk is full"


class DatabaseUnavailable(ServerError):
    """The database does not answer, or was busy for too long.

    Nothing of the request was kept. Please try again in a moment.
    """

    status = 503
    code = "database_unavailable"
    title = "Please try again in a moment"


class NotReady(ServerError):
    """Something that this server needs does not answer at the moment.

    Its name is in the message. Submissions that have arrived are kept and go on by themselves; try
    again in a minute.
    """

    status = 503
    code = "not_ready"
    title = "Not ready"

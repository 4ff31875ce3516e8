"""The addresses of signing in and of what guards an account. The names are allauth's: it looks its pages up by them."""

from __future__ import annotations

from django.urls import path, re_path

from midas.web.identity import joining, views

urlpatterns = [
    path("sign-in", views.sign_in, name="account_login"),
    path("sign-in/second", views.second_step, name="mfa_authenticate"),
    path("sign-in/passkey", views.with_passkey, name="mfa_login_webauthn"),
    path("sign-in/closed", views.closed, name="account_inactive"),
    path("sign-in/cancelled", views.cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/refused", views.refused, name="socialaccount_login_error"),
    path("sign-in/with/<slug:provider_id>", views.with_provider, name="openid_connect_login"),
    path("sign-in/with/<slug:provider_id>/back", views.back_from_provider, name="openid_connect_callback"),
    path("sign-out", views.sign_out, name="account_logout"),
    path("join", joining.ask, name="account_signup"),
    path("join/<str:key>", joining.join, name="join"),
    path("reset", views.reset, name="account_reset_password"),
    path("reset/sent", views.reset_sent, name="account_reset_password_done"),
    path("reset/done", views.reset_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-\w]+)$",
        views.reset_link,
        name="account_reset_password_from_key",
    ),
    path("account/confirm", views.confirm, name="account_reauthenticate"),
    path("account/confirm/code", views.confirm_code, name="mfa_reauthenticate"),
    path("account/confirm/passkey", views.confirm_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/password", views.password_change, name="account_change_password"),
    path("account/password/first", views.password_set, name="account_set_password"),
    path("account/second", views.second_factors, name="mfa_index"),
    path("account/second/app", views.app_add, name="mfa_activate_totp"),
    path("account/second/app/remove", views.app_remove, name="mfa_deactivate_totp"),
    path("account/second/passkeys", views.second_factors, name="mfa_list_webauthn"),
    path("account/second/passkeys/add", views.passkey_add, name="mfa_add_webauthn"),
    path("account/second/passkeys/<int:pk>/remove", views.passkey_remove, name="mfa_remove_webauthn"),
    path("account/second/codes", views.codes_show, name="mfa_view_recovery_codes"),
    path("account/second/codes/make", views.codes_make, name="mfa_generate_recovery_codes"),
]

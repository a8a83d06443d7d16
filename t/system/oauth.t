#!/usr/bin/perl
# Our own people log in by token: OAUTHBEARER and XOAUTH2, spoken by curl, by Python's smtplib and by hand; a
# server with real TLS says whose a token is, a slapd who that is.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Https;
use Poterne::Process qw(free_port wait_until command_output);
use Poterne::Sink;
use Poterne::Slapd;
use Poterne::Smtp;

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();
plan skip_all => Poterne::Https::missing() if Poterne::Https::missing();
plan skip_all => 'curl is not installed' if !grep { -x "$_/curl" } split /:/, $ENV{PATH};

use constant { PASSWORD => 'Correct-Horse-7', LATER => time + 3600 };

my $root = tempdir( 'poterne-oauth-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $person = \&Poterne::Slapd::person;
my $slapd = Poterne::Slapd->new(
    "$root/slapd",
    join( '',
        ( map { "$_\n" } 'dn: cn=policy,' . Poterne::Slapd::BASE, 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy', 'pwdAttribute: userPassword', 'pwdLockout: TRUE', '' ),
        $person->( 'jean', 'mail: Jean.Toto@univ.example', 'mailAlternateAddress: jtoto@univ.example', 'userPassword: ' . PASSWORD ),
        $person->( 'anne', 'mail: anne@univ.example', 'userPassword: ' . PASSWORD ),
        $person->( 'gone', 'mail: gone@univ.example', 'accountStatus: disabled', 'userPassword: ' . PASSWORD ),
        $person->( 'locked', 'mail: locked@univ.example', 'userPassword: ' . PASSWORD, 'pwdAccountLockedTime: 000001010000Z' ) ),
    ppolicy => 1
);
my $ca = Poterne::Https::authority("$root/ca");
my $issuer = Poterne::Https->new( folder => "$root/issuer", ca => $ca )->start;
my $world = Poterne::Sink->start( root => "$root/world", smtp => 1 );
my $smtp = Poterne::Https->new( folder => "$root/certificate", ca => $ca, names => [ 'mx.poterne.example', '127.0.0.1' ] );
chmod 0644, "$root/certificate/server.key";
write_file( "$root/secret", "the-client-secret\n" );
my %port = map { $_ => free_port() } qw(starttls tls);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    sections => "\nldap staff {\n" . $slapd->settings( connect_timeout => '1s', timeout => '2s', snapshot => '0', login => '"(|(mail=%a)(mailAlternateAddress=%a)(uid=%u))"' ) . "}\n",
    settings => {
        smtp       => { tls_certificate => qq("$root/certificate/server.pem"), tls_key => qq("$root/certificate/server.key") },
        submission => { listen => "{ 127.0.0.1:$port{starttls} }", listen_tls => "{ 127.0.0.1:$port{tls} }", failure_delay => '0', failures_limit => 3, guesses_network => 0, guesses_account => 0 },
        oauth      => {
            introspection => qq("https://127.0.0.1:$issuer->{port}/introspect"), trusted => qq("$ca->{cert}"),
            client_id => '"poterne"', client_secret_file => qq("$root/secret"), scope => '"mail.send offline"', audience => '"https://mx.poterne.example"',
            issuer => '"https://login.univ.example"', configuration => '"https://login.univ.example/.well-known/openid-configuration"',
            remember => '4s', timeout => '2s',
        },
        outside => { next_hop => qq("smtp://127.0.0.1:$world->{port}") },
    },
    domains => { 'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => 'ldap staff' } },
);

# What the issuer says of each token; a key that is undef is left out.
my %said = ( active => \1, username => 'jtoto@univ.example', scope => 'openid offline mail.send', aud => [ 'https://other.example', 'https://mx.poterne.example' ],
    iss => 'https://login.univ.example', exp => LATER, token_type => 'Bearer' );

sub token {
    my (%other) = @_;
    my %all = ( %said, %other );
    return { map { ( $_ => $all{$_} ) } grep { defined $all{$_} } keys %all };
}
my %token = (
    'good-token'    => token(),
    'nobody-named'  => token( username => undef ),
    'uid'           => token( username => 'jean' ),
    'one-audience'  => token( aud => 'https://mx.poterne.example' ),
    'no-end'        => token( exp => undef ),
    'of-anne'       => token( username => 'anne' ),
    'of-locked'     => token( username => 'locked' ),
    'of-gone'       => token( username => 'gone' ),
    'of-stranger'   => token( username => 'jean@world.example' ),
    'of-nobody'     => token( username => 'nobody' ),
    'of-a-filter'   => token( username => '*)(uid=jean' ),
    'of-all'        => token( username => '*' ),
    'long-name'     => token( username => 'x' x 300 ),
    'a-list'        => token( username => ['jean'] ),
    'inactive'      => token( active => \0 ),
    'expired'       => token( exp => time - 1 ),
    'expired-null'  => token( exp => 0 ),
    'not-yet'       => token( nbf => LATER ),
    'refresh'       => token( token_type => 'Refresh' ),
    'other-issuer'  => token( iss => 'https://evil.example' ),
    'no-issuer'     => token( iss => undef ),
    'other-aud'     => token( aud => 'https://other.example' ),
    'near-aud'      => token( aud => 'https://mx.poterne.example.evil.example' ),
    'no-aud'        => token( aud => undef ),
    'other-scope'   => token( scope => 'openid mail.send.all offline' ),
    'no-scope'      => token( scope => undef ),
    'active-text'   => token( active => 'true' ),
    'active-none'   => token( active => undef ),
    'strange-end'   => token( exp => 'tomorrow' ),
    'no-object'     => { type => 'application/json', body => '[true]' },
    'garbage'       => { type => 'application/json', body => '{"active":true,' },
    'twice'         => { type => 'application/json', body => '{"active":false,"active":true,"username":"jean"}' },
    'deep'          => { type => 'application/json', body => '[' x 30_000 },
    'empty'         => { type => 'application/json', body => '', fill => 0 },
    'a-page'        => { type => 'text/html', body => '<p>{"active":true}' },
    'huge'          => { body => '{"active":true,"x":"' . 'x' x 40_000 . '"}', type => 'application/json' },
    'not-ours'      => { status => 401, body => '{"error":"invalid_client"}', type => 'application/json' },
    'broken'        => { status => 500, body => 'oops' },
    'moved'         => { status => 302, body => '', headers => { Location => "https://127.0.0.1:$issuer->{port}/good" } },
    'slow'          => { delay => 10, body => '{}' },
);
$issuer->answers( { '/introspect' => { by_token => \%token }, '/good' => { type => 'application/json', body => JSON::PP::encode_json( token() ) } } );
$gateway->start;

# --- messages ---

sub xoauth2 {
    my ( $user, $token ) = @_;
    return 'AUTH XOAUTH2 ' . encode_base64( "user=$user\1auth=Bearer $token\1\1", '' );
}

sub bearer {
    my ( $user, $token ) = @_;
    my $name = $user eq '' ? '' : 'a=' . ( $user =~ s/=/=3D/gr =~ s/,/=2C/gr );
    return 'AUTH OAUTHBEARER ' . encode_base64( "n,$name,\1host=mx.poterne.example\1port=587\1auth=Bearer $token\1\1", '' );
}

# What the server says to these lines, sent over TLS in one go.
sub converse {
    my (@lines) = @_;
    write_file( "$root/input", join '', map { "$_\r\n" } 'EHLO c', @lines, 'QUIT' );
    return `timeout 40 openssl s_client -connect 127.0.0.1:$port{tls} -quiet -ign_eof < $root/input 2>&1`;
}

# The answer to a token: (code with text, what the challenge before it says)
sub tried {
    my ($auth) = @_;
    my $said = converse( $auth, 'AQ==', 'MAIL FROM:<jean.toto@univ.example>' );
    my ($error) = $said =~ /^334 (\S+)\r?$/m;
    my ($answer) = $said =~ /^((?:235|454|501|504|535) .*?)\r?$/m;
    my $in = $said =~ /^250 2\.1\.0 /m ? 1 : 0;
    return ( $answer // "nothing: $said", $error ? decode_json( decode_base64($error) ) : undef, $in );
}

# --- in ---

my $clear = Poterne::Smtp->new( port => $port{starttls} );
$clear->put("EHLO laptop\r\n");
unlike( ( $clear->reply )[1] // '', qr/AUTH/, 'in clear AUTH is not offered' );
for my $try ( xoauth2( 'jean', 'good-token' ), bearer( 'jean', 'good-token' ) ) {
    $clear->put("$try\r\n");
    is( ( $clear->reply )[0], 538, '… nor taken' );
}
is( scalar( () = $issuer->requests ), 0, '… nor is anybody asked' );
like( converse(), qr/^250-AUTH PLAIN LOGIN OAUTHBEARER XOAUTH2\r?$/m, 'over TLS it is' );

write_file( "$root/letter", "From: jean.toto\@univ.example\r\nTo: friend\@world.example\r\nSubject: a letter\r\n\r\nHello\r\n" );
my $n = 0;
for my $url ( "smtps://127.0.0.1:$port{tls}", "smtp://127.0.0.1:$port{starttls}" ) {
    my ( $status, $said ) = command_output(
        qw(curl -sv --max-time 30 --ssl-reqd --cacert), $ca->{cert}, '--url', $url, '--user', 'jean.toto@univ.example:',
        qw(--oauth2-bearer good-token --mail-from jean.toto@univ.example --mail-rcpt), 'friend' . ++$n . '@world.example', '--upload-file', "$root/letter"
    );
    is( $status, 0, "curl, $url" ) or diag $said;
    like( $said, qr/^> AUTH OAUTHBEARER/m, '… by OAUTHBEARER' );
}
write_file( "$root/client.py", <<'END' );
import smtplib, ssl, sys
port, ca, user, token = sys.argv[1:5]
smtp = smtplib.SMTP("127.0.0.1", int(port), timeout=30)
smtp.starttls(context=ssl.create_default_context(cafile=ca))
smtp.ehlo()
text = "user=%s\x01auth=Bearer %s\x01\x01" % (user, token)
print(smtp.auth("XOAUTH2", lambda challenge=None: text if challenge is None else ""))
smtp.sendmail("jtoto@univ.example", ["friend9@world.example"], "From: jtoto@univ.example\r\nSubject: x\r\n\r\nHi\r\n")
smtp.quit()
END
my ( $status, $python ) = command_output( 'python3', "$root/client.py", $port{starttls}, $ca->{cert}, 'jtoto@univ.example', 'good-token' );
is( $status, 0, 'Python\'s smtplib, XOAUTH2' ) or diag $python;
( $status, $python ) = command_output( 'python3', "$root/client.py", $port{starttls}, $ca->{cert}, 'jtoto@univ.example', 'inactive' );
like( $python, qr/SMTPAuthenticationError: \(535, b'5\.7\.8 The token is not valid here'/, '… hears what is wrong with a token' );
ok( $gateway->wait_for_empty_queue, 'the letters leave' );
like( join( '', $world->messages("friend$_\@world.example") ), qr/^Received:.* with ESMTPSA/ms, "letter $_ has arrived" ) for 1, 2, 9;

my ($request) = $issuer->requests;
is( $request->{headers}{authorization}, 'Basic ' . encode_base64( 'poterne:the-client-secret', '' ), 'the issuer hears who asks' );
is( "$request->{method} $request->{headers}{'content-type'} $request->{body}", 'POST application/x-www-form-urlencoded token=good-token&token_type_hint=access_token', '… about what' );

for my $case (
    [ 'jean.toto@univ.example', 'good-token', 'its own address' ],
    [ 'jtoto@univ.example',     'good-token', 'the name the token says' ],
    [ 'JTOTO',                  'good-token', '… without domain' ],
    [ '',                       'good-token', 'nobody named' ],
    [ 'jean',                   'uid',        'a uid' ],
    [ 'jean.toto@univ.example', 'uid',        'an address for a uid' ],
    [ 'jean',                   'one-audience', 'one audience', 'jtoto' ],
    [ 'jtoto',                  'no-end',     'a token without an end' ],
) {
    my ( $user, $token, $name, $as ) = @$case;
    for my $auth ( xoauth2( $as // $user, $token ), bearer( $as // $user, $token ) ) {
        my ( $answer, undef, $in ) = tried($auth);
        like( $answer, qr/^235 2\.7\.0 Authentication successful$/, "in: $name" );
        is( $in, 1, '… and may send' );
    }
}
like( ( tried( 'AUTH PLAIN ' . encode_base64( "\0jean\0" . PASSWORD, '' ) ) )[0], qr/^235 /, 'passwords work as before' );
like( converse( xoauth2( 'jtoto', 'good-token' ), 'MAIL FROM:<anne@univ.example>' ), qr/^550 5\.7\.1 Not an address/m, 'somebody else\'s address is none of his' );
like( ( tried( 'AUTH PLAIN ' . encode_base64( "\0locked\0" . PASSWORD, '' ) ) )[0], qr/^535 /, 'a password that is locked' );
like( ( tried( xoauth2( 'locked', 'of-locked' ) ) )[0], qr/^235 /, '… does not lock out a token' );
my $plain_said = converse( 'AUTH OAUTHBEARER', ( split / /, bearer( 'jtoto', 'good-token' ) )[2] );
like( $plain_said, qr/^334 \r?\n235 /m, 'without an initial response' );

# --- not in ---

my %refusal = (
    invalid_token      => [ 401, qr/^535 5\.7\.8 The token is not valid here$/ ],
    insufficient_scope => [ 403, qr/^535 5\.7\.8 The token is not meant for sending mail here$/ ],
    others             => [ 401, qr/^535 5\.7\.8 You can log in for yourself only$/ ],
    disabled           => [ 401, qr/^535 5\.7\.13 The account is disabled$/ ],
);
for my $case (
    ( map { [ $_, 'jtoto', 'invalid_token' ] } qw(unheard inactive expired expired-null not-yet refresh other-issuer no-issuer nobody-named long-name a-list) ),
    ( map { [ $_, 'jtoto', 'insufficient_scope' ] } qw(other-aud near-aud no-aud other-scope no-scope) ),
    ( map { [ $_, '', 'invalid_token' ] } qw(of-stranger of-nobody of-a-filter of-all) ),
    [ 'of-anne', 'jean.toto@univ.example', 'others' ],
    [ 'good-token', 'anne', 'others' ],
    [ 'of-gone', 'gone', 'disabled' ],
) {
    my ( $token, $user, $what ) = @$case;
    my ( $code, $pattern ) = @{ $refusal{$what} };
    my ( $answer, $error, $in ) = tried( bearer( $user, $token ) );
    like( $answer, $pattern, "$token: $what" );
    is( $in, 0, '… nobody has logged in' );
    is_deeply(
        $error,
        {
            status => $what eq 'insufficient_scope' ? $what : 'invalid_token', scope => 'mail.send offline',
            'openid-configuration' => 'https://login.univ.example/.well-known/openid-configuration'
        },
        '… and the client hears why (RFC 7628 3.2.2)'
    );
    ( $answer, $error ) = tried( xoauth2( $user, $token ) );
    is_deeply( [ $answer =~ $pattern ? 'as above' : $answer, $error ], [ 'as above', { status => $code, schemes => 'bearer', scope => 'mail.send offline' } ], '… by XOAUTH2, too' );
}
is( ( tried( bearer( 'jtoto', 'inactive' ) =~ s/ \S+$/ ' ' . encode_base64( "n,,\1auth=\1\1", '' ) /er ) )[1]{status}, 'invalid_token', 'who has no token learns where there is one' );
for my $bad (
    'AQ==', '=', encode_base64( "n,a=jean,\1auth=Bearer x\1", '' ), encode_base64( "n,a=jean\1auth=Bearer x\1\1", '' ), encode_base64( "p=tls-unique,,\1auth=Bearer x\1\1", '' ),
    encode_base64( "n,,\1auth=Basic x\1\1", '' ), encode_base64( "n,,\1auth=Bearer a b\1\1", '' ), encode_base64( "n,,\1auth=Bearer x\1auth=Bearer y\1\1", '' ),
    encode_base64( "n,a=j=2,\1auth=Bearer x\1\1", '' ), encode_base64( "n,,\1auth=Bearer x\0y\1\1", '' ), encode_base64( "n,,\1auth=Bearer " . 'x' x 9000 . "\1\1", '' )
) {
    my $said = converse("AUTH OAUTHBEARER $bad");
    like( $said, qr/^50[01] 5\.5\.[26] /m, 'malformed: ' . substr( $bad, 0, 40 ) ) or diag $said;
}
is( scalar( grep { $_->{body} =~ /token=x/ } $issuer->requests ), 0, '… nobody was asked about it' );
my $many = converse( ( bearer( '', 'inactive' ), 'AQ==' ) x 4 );
is( scalar( () = $many =~ /^535 /mg ), 3, 'three refused tokens are too many' );
like( $many, qr/^421 4\.7\.0 Too many failed logins/m, 'and end the session' );
like( ( tried( xoauth2( 'jtoto', 'inactive' ) =~ s/\S+$/=/r ) )[0], qr/^501 /, 'an empty message is none' );

# --- nobody knows ---

for my $token (qw(active-text active-none strange-end no-object garbage twice deep empty a-page huge not-ours broken moved slow)) {
    my $begun = time;
    my ( $answer, $error, $in ) = tried( bearer( 'jtoto', $token ) );
    like( $answer, qr/^454 4\.7\.0 Tokens can't be checked now; try again later$/, "the issuer's answer: $token" );
    ok( !$error && !$in && time - $begun < 6, '… nobody is in, nobody is told a lie' );
}
like( $gateway->log_text, qr/login of jtoto refused: Tokens can't be checked now; try again later: oauth\.introspection: status 401: see oauth\.client_id/, 'the log says why' );
like( $gateway->log_text, qr/oauth\.introspection: answer too large/, '… each time' );

# --- remembered, and not for long ---

sub asked_about {
    my ($token) = @_;
    return scalar grep { $_->{body} =~ /token=\Q$token\E&/ } $issuer->requests;
}
%token = ( fresh => token(), short => token( exp => time + 3 ) );
$issuer->answers( { '/introspect' => { by_token => \%token } } );
for ( 1 .. 3 ) {
    like( ( tried( xoauth2( 'jtoto', $_ ) ) )[0], qr/^235 /, "$_ is good" ) for qw(fresh short);
}
is( asked_about($_), 1, "the issuer was asked once about $_" ) for qw(fresh short);
$token{fresh} = token( active => \0 );
$issuer->answers( { '/introspect' => { by_token => \%token } } );
ok( wait_until( 10, sub { ( tried( xoauth2( 'jtoto', 'fresh' ) ) )[0] =~ /^535 / } ), 'one that is revoked serves no longer than oauth.remember' );
like( ( tried( xoauth2( 'jtoto', 'short' ) ) )[0], qr/^535 /, 'one that has ended does not serve' );
like( ( tried( xoauth2( 'jtoto', 'fresh2' ) ) )[0], qr/^535 /, 'one that begins like another is another' );

# --- away ---

%token = ( 'good-token' => token() );
$issuer->answers( { '/introspect' => { by_token => \%token } } );
$issuer->pause;
like( ( tried( xoauth2( 'jtoto', 'hangs' ) ) )[0], qr/^454 /, 'an issuer that hangs: 454' );
$issuer->resume;
ok( wait_until( 20, sub { ( tried( xoauth2( 'jtoto', 'good-token' ) ) )[0] =~ /^235 / } ), 'it goes on' );
$issuer->stop;
like( ( tried( xoauth2( 'jtoto', 'never-seen' ) ) )[0], qr/^454 /, 'one that is away: 454' );
my $false = Poterne::Https->new( folder => "$root/false", ca => Poterne::Https::authority("$root/other"), port => $issuer->{port} );
$false->answers( { '/introspect' => { type => 'application/json', body => JSON::PP::encode_json( token() ) } } );
$false->start;
like( ( tried( xoauth2( 'jtoto', 'any' ) ) )[0], qr/^454 /, 'one that only says it were it: 454' );
is( scalar( () = $false->requests ), 0, '… hears no token' );
$false->stop;
$issuer->start;
$slapd->stop;
like( ( tried( xoauth2( 'jtoto', 'good-token' ) ) )[0], qr/^454 /, 'a directory that is away: 454' );
$slapd->start;
ok( wait_until( 60, sub { ( tried( xoauth2( 'jtoto', 'good-token' ) ) )[0] =~ /^235 / } ), 'it is back' );
$gateway->signal_role( KILL => 'fetch' );
ok( wait_until( 30, sub { sleep 1; ( tried( bearer( 'jtoto', 'good-token' ) ) )[0] =~ /^235 / } ), 'poterne-fetch that was killed is replaced' );

# --- wrong tokens count over sessions ---

my $counted = $gateway->conf_text =~ s/^    guesses_network = 0$/    guesses_network = 4/mr;
$gateway->write_conf($counted);
ok( $gateway->reload, 'guesses_network = 4' );
# what the process before has in its hands is not counted: until the next one answers
ok( wait_until( 60, sub { ( tried( xoauth2( 'nobody', 'guess-0' ) ) )[0] =~ /^454 4\.7\.0 Too many failed logins; try again later: in \d+ s$/ } ), 'four wrong tokens, and the next is not looked at' );
my $asked = scalar $issuer->requests;
for my $auth ( xoauth2( 'nobody', 'guess-1' ), bearer( 'somebody', 'guess-2' ), bearer( '', 'guess-3' ), xoauth2( 'unseen', 'good-token' ) ) {
    like( ( tried($auth) )[0], qr/^454 4\.7\.0 Too many/, '… whatever the name' );
}
is( scalar( $issuer->requests ), $asked, '… and the issuer is not asked' );
like( ( tried( xoauth2( 'jtoto', 'good-token' ) ) )[0], qr/^235 /, '… but who has logged in from there goes on' );
like( ( tried( 'AUTH PLAIN ' . encode_base64( "\0anne\0" . PASSWORD, '' ) ) )[0], qr/^454 4\.7\.0 Too many/, '… nor is the password of one who has not' );

# --- settings ---

my $settings = $gateway->conf_text =~ s/^    guesses_network = 4$/    guesses_network = 0/mr;
$gateway->write_conf( $settings =~ s{"https://127}{"http://127}r );
ok( !$gateway->reload, 'an issuer that is asked in clear is refused' );
$gateway->write_conf( $settings =~ s{^    introspection = .*\n}{}mr );
ok( $gateway->reload, 'without an issuer' );
ok( wait_until( 20, sub { converse() =~ /^250-AUTH PLAIN LOGIN\r?$/m } ), '… tokens are not offered' );
like( ( tried( xoauth2( 'jtoto', 'good-token' ) ) )[0], qr/^504 /, '… nor taken' );

is( $gateway->stop, 0, 'the gateway ends well' );
$slapd->stop;
for my $secret ( 'good-token', 'the-client-secret', ( split / /, xoauth2( 'jean.toto@univ.example', 'good-token' ) )[2] ) {
    my ( undef, $found ) = command_output( qw(grep -rlaF --), $secret, "$root/gateway" );
    is( $found, '', 'no token and no secret stands in the log, the journal or the spool' );
}
done_testing();

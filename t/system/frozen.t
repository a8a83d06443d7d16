#!/usr/bin/perl
# Accounts that may send nothing, beyond what they say themselves: one whose mail other servers refuse is
# frozen, and its managers hear of it once; what a frozen account has in the queue waits, over the end of its
# time, kill -9, a reload and a restart, and goes on when it is thawed, or is moved to quarantine; the digest.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Process qw(wait_until);
use Poterne::Slapd;
use Poterne::Submission;

plan skip_all => Poterne::Submission::missing() if Poterne::Submission::missing();

use constant { PASSWORD => Poterne::Submission::PASSWORD, LIFETIME => 30, TRIES => 500 };

my $root = tempdir( 'poterne-frozen-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base   = Poterne::Slapd::BASE;
my $person = \&Poterne::Slapd::person;
my $password = 'userPassword: ' . PASSWORD;
my ( $MULLER, $MOLLER ) = ( "m\xc3\xbcller\@zunge.example", "m\xc3\xb6ller\@zunge.example" );
write_file( "$root/accounts", join '', map { "$_:" . crypt( PASSWORD, '$6$saltsalt$' ) . "\n" } $MULLER, $MOLLER );
my $site = Poterne::Submission->new(
    root   => $root,
    people => join(
        '', map( {"$_\n"} "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy', 'pwdAttribute: userPassword', '' ),
        $person->( 'jean', 'mail: Jean.Toto@univ.example', 'mailAlternateAddress: jtoto@univ.example', $password ),
        $person->( 'anne', 'mail: anne@univ.example', $password ),
        $person->( 'carl', 'mail: carl@univ.example', $password ),
        $person->( 'boss', 'mail: boss@univ.example', $password )
    ),
    settings => {
        ''        => { managers => '{ boss@univ.example }' },
        antivirus => { engines  => '{ }' },
        limits    => { shared   => '{ 127.0.0.0/8 }', freeze_bounces => 8, freeze_bounces_percent => 50 },
        limits_outside => { recipients_per_15min => 0, recipients_per_hour => 0 },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '1s', lifetime => LIFETIME . 's' },
        bounces   => { delay_warning  => '0' },
        reports   => { spam => 'spam@univ.example' },
    },
    domains => { 'zunge.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => qq(accounts "$root/accounts") } },
);
my $gateway = $site->{gateway};
my $world   = $site->{world};
my $TO      = 'friend@world.example';

sub letter_from {
    my ( $user, $from, $subject, @to ) = @_;
    my @lines = Poterne::Submission::letter( from => $from, to => \@to, data => [ "From: $from", "Subject: $subject", '', 'Hello' ] );
    return $site->converse( tls => 'EHLO laptop', Poterne::Submission::plain( $user, PASSWORD ), @lines, 'QUIT' );
}

sub from_anne { return letter_from( 'anne', 'anne@univ.example', @_ ) }
sub from_carl { return letter_from( 'carl', 'carl@univ.example', @_ ) }
sub from_jean { return letter_from( 'jean', 'jean.toto@univ.example', @_ ) }

# What `poterne queue` says of the message with that subject; undef: it has none.
sub queued {
    my ($subject) = @_;
    return ( grep { ( $_->{subject} // '' ) eq $subject } $gateway->poterne_json('queue') )[0];
}

sub why {
    my ($subject) = @_;
    my $message = queued($subject) or return 'it is not there';
    return $message->{recipients}[0]{detail} // '';
}

my $FROZEN = qr/^4\.7\.1 the account that sent it is frozen since \d{4}-\d\d-\d\d \d\d:\d\d UTC: /;

sub notes_about {
    my ($account) = @_;
    return grep { /^Subject: \Q$account\E may send nothing for now/m } $gateway->maildir_messages('boss@univ.example');
}

# From here on the world takes mail for that address, as Poterne::Sink counts.
sub let_in {
    my ( $address, $folder ) = ( $_[0], "$root/world/refused" );
    write_file( "$folder/$address.$_", '' ) for 0 .. TRIES;
    return;
}

# --- the account stands with the message ---

my $ACCEPTED = qr/^250 2\.0\.0 Accepted as /m;
my ( $late, $other ) = map { "later-$_\@world.example" } TRIES, TRIES - 1;
like( from_anne( 'first',  $late ),  $ACCEPTED, 'a message whose next hop wants it later' );
like( from_carl( 'second', $other ), $ACCEPTED, '… and one of another account' );
ok( wait_until( 15, sub { why('first') =~ /451/ && why('second') =~ /451/ } ), '… wait' );
is( queued('first')->{account}, 'anne@univ.example', '`poterne queue` names the account that sent it' );

# --- frozen: what is in the queue waits, also when its time is over ---

my ( $status, $said ) = $gateway->poterne( 'senders', 'freeze', '--why', 'somebody has her password', 'anne' );
is( "$status $said", "0 anne\@univ.example is frozen\n", 'frozen by the name that she logs in with' );
is( ( $gateway->poterne( 'senders', 'freeze', 'carl@univ.example' ) )[0], 0, '… and by the whole address' );
ok( queued('first')->{frozen}, '`poterne queue` says so at once' );
like( ( $gateway->poterne( 'queue', 'show', queued('first')->{id} ) )[1], qr/^  account     anne\@univ\.example, frozen /m, '… to people, too' );
ok( wait_until( 30, sub { why('first') =~ /${FROZEN}somebody has her password\z/ && why('second') =~ $FROZEN } ), 'their messages wait for that' )
    or diag why('first'), why('second');
my $tries = () = glob "$root/world/refused/$late.*";
sleep LIFETIME + 2;
like( why($_), $FROZEN, "the $_ is there when its time is over" ) for qw(first second);
is( scalar( () = glob "$root/world/refused/$late.*" ), $tries, '… and was not tried meanwhile' );
is( scalar( $gateway->maildir_messages('anne@univ.example') ), 0, '… and nobody was told that it failed' );

$gateway->signal_role( KILL => 'delivery' );
ok( $gateway->reload, 'delivery is killed, and all is reloaded' );
like( why('first'), $FROZEN, '… it waits' );
$gateway->crash;
$gateway->start;
sleep 3;
like( why('first'), $FROZEN, 'all is killed and started: it waits' );
is( scalar( () = glob "$root/world/refused/$late.*" ), $tries, '… and was not tried' );
like( from_jean( 'meanwhile', $TO ), $ACCEPTED, 'mail of others' );
ok( wait_until( 30, sub { scalar $world->messages($TO) } ), '… goes on' );

# --- what a manager does not want to go ---

( $status, $said ) = $gateway->poterne( 'senders', 'quarantine', 'jean' );
is( $status, 2, 'what one who is not frozen has in the queue can\'t be set aside' );
like( $said, qr/not frozen/, '… which is said' );
( $status, $said ) = $gateway->poterne( 'senders', 'quarantine', 'anne@univ.example' );
like( "$status $said", qr/^0 1 messages of anne\@univ\.example go to quarantine/, 'of one who is it can' );
my $held;
ok( wait_until( 30, sub { ($held) = grep { $_->{subject} eq 'first' } $gateway->poterne_json( 'quarantine', 'list' ); $held } ), '… it is in quarantine' );
is( queued('first'), undef, '… and not in the queue' );
like( ( $gateway->poterne( 'quarantine', 'show', $held->{id} ) )[1], qr/^account +anne\@univ\.example$/m, '… which names the account' );
let_in($late);
is( ( $gateway->poterne( 'quarantine', 'release', $held->{id} ) )[0], 0, 'it is released' );
ok( wait_until( 30, sub { scalar $world->messages($late) } ), '… and goes, since somebody has looked at it' );

# --- thawed: it goes on ---

let_in($other);
is( ( $gateway->poterne( 'senders', 'thaw', 'carl' ) )[0], 0, 'thawed when its time would be over' );
ok( wait_until( 60, sub { scalar $world->messages($other) } ), '… and delivered, not returned' );
is( scalar( $gateway->maildir_messages('carl@univ.example') ), 0, '… nobody was told that it failed' );
is( ( $gateway->poterne( 'senders', 'thaw', 'anne' ) )[0], 0, 'the other is thawed, too' );

# --- names ---

( $status, $said ) = $gateway->poterne( 'senders', 'freeze', 'jtoto@univ.example' );
like( "$status $said", qr/^0 .*jtoto\@univ\.example is a name of the account jean\.toto\@univ\.example\n.*jean\.toto\@univ\.example is frozen\n/s,
    'another of his addresses freezes the account that he logs in with' );
like( from_jean( 'no', $TO ), qr/^550 5\.7\.1 /m, '… which is frozen' );
is( ( $gateway->poterne( 'senders', 'thaw', 'jtoto@univ.example' ) )[0], 0, '… and thawed by that name' );
like( from_jean( 'yes', $TO ), qr/^250 2\.1\.0/m, '… it sends' );
for my $name ( 'not an address', 'jean@', '@univ.example', "jean\@univ.example\n" ) {
    ( $status, $said ) = $gateway->poterne( 'senders', 'freeze', $name );
    is( $status, 2, 'what is no address is refused' );
    like( $said, qr/is no mail address: name the account's own, such as jean\@univ\.example/, '… and says what is wanted' );
}

# Names that differ beyond ASCII are two accounts.
sub mail_of {
    my ($name) = @_;
    return $site->converse( tls => 'EHLO laptop', Poterne::Submission::plain( $name, PASSWORD ), "MAIL FROM:<$name> SMTPUTF8", 'QUIT' );
}
like( mail_of($_), qr/^250 2\.1\.0/m, "$_ sends" ) for $MULLER, $MOLLER;
is( ( $gateway->poterne( 'senders', 'freeze', $MULLER ) )[0], 0, 'one is frozen' );
like( mail_of($MULLER), qr/^550 5\.7\.1/m, '… and sends nothing' );
like( mail_of($MOLLER), qr/^250 2\.1\.0/m, '… the other does' );
my ($row) = grep { $_->{kind} eq 'account' && $_->{from} eq 'outside' } $gateway->poterne_json( 'senders', 'show', $MULLER );
is( $row->{messages_per_hour}{counted}, 1, '… each is counted for itself' );
like( ( $gateway->poterne('senders') )[1], qr/^  \Q$MULLER\E is frozen since /m, '… and shown by its name' );
is( ( $gateway->poterne( 'senders', 'thaw', $MULLER ) )[0], 0, '… and thawed by it' );

# --- frozen by what other servers refuse ---

my $n = 0;
my $send = sub {
    my ( $good, $bad ) = @_;
    from_jean( 'many ' . ++$n, ( map {"good$n-$_\@world.example"} 1 .. $good ), map {"never$n-$_\@world.example"} 1 .. $bad );
    wait_until( 60, sub { my $in = queued("many $n"); !$in } );
    return;
};
$send->( 12, 9 );
my ($counts) = grep { $_->{kind} eq 'bounces' } $gateway->poterne_json( 'senders', 'show', 'jean.toto@univ.example' );
is( $counts->{refused}, 9, 'senders show: so many were refused' ) or diag explain $counts;
cmp_ok( $counts->{answered}, '>=', 21, '… of so many' );
unlike( from_jean( 'still', $TO ), qr/^550 5\.7\.1/m, 'these are many, but most of his mail arrives' );
$send->( 0, 10 );
ok( wait_until( 30, sub { from_jean( 'now', $TO ) =~ /^550 5\.7\.1 .* of \d+ recipients of its mail elsewhere \d+ were refused within an hour, at last: 550 5\.1\.1/m } ),
    'half of it is refused: frozen, and told why' );
ok( wait_until( 30, sub { scalar notes_about('jean.toto@univ.example') } ), 'the managers are told' );
is( $gateway->signal_role( KILL => 'delivery' ), 1, 'delivery is killed' );
$gateway->crash;
$gateway->start;
sleep 2;
is( scalar( notes_about('jean.toto@univ.example') ), 1, '… exactly once' );
is( ( $gateway->poterne( 'senders', 'thaw', 'jean.toto@univ.example' ) )[0], 0, 'thawed' );
$send->( 0, 2 );
unlike( from_jean( 'again', $TO ), qr/^550 5\.7\.1/m, 'what was refused before counts no more' );

# --- the digest ---

is( ( $gateway->poterne( 'senders', 'freeze', '--why', 'she asked for it', 'anne' ) )[0], 0, 'one is frozen' );
is( $gateway->stop, 0, 'all ends well' );

# Local time of which it is seven o'clock in a few seconds: then the digest of the day is made.
{
    my $offset = ( 7 * 3600 - 45 - time % 86400 ) % 86400;
    local $ENV{TZ} = sprintf 'TST-%02d:%02d:%02d', $offset / 3600, $offset / 60 % 60, $offset % 60;
    $gateway->start;
}
my $digest = qr/^(?:F|=46)rozen accounts \(poterne senders thaw ACCOUNT\):\r?\n  - anne\@univ\.example since [-\d]+ [\d:]+: she asked for it\r?$/m;
ok( wait_until( 180, sub { grep {/$digest/} $gateway->maildir_messages('boss@univ.example') } ), 'the digest of the day says who is frozen' );
is( $site->stop, 0, 'all ends well' );
done_testing();

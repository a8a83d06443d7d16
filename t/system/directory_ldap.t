#!/usr/bin/perl
# Recipients from LDAP: a slapd with 100 000 people, over TLS, in the shapes of OpenLDAP and of Active
# Directory; a server that hangs or is dead while mail comes in (no 550, who is known is served), and
# a restart meanwhile.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(wait_until command_output);
use Poterne::Slapd;

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();

use constant PEOPLE => $ENV{POTERNE_TEST_PEOPLE} // 100_000;

my $root = tempdir( 'poterne-ldap-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base = Poterne::Slapd::BASE;

sub entry {
    return join '', map { "$_\n" } @_, '';
}

sub write_people {
    my ($file) = @_;
    my $person = \&Poterne::Slapd::person;
    for my $n ( 1 .. PEOPLE ) {
        print {$file} $person->( "u$n", "mail: Prenom$n.Nom$n\@dir.example", "mailAlternateAddress: u$n\@dir.example" );
    }
    print {$file} $person->( 'gone', 'mail: gone@dir.example', 'accountStatus: disabled' );
    print {$file} $person->( 'full', 'mail: full@dir.example', 'quotaUsed: 1024', 'quotaLimit: 1024' );
    print {$file} $person->( 'away', 'mail: away@dir.example', 'mailForwardingAddress: away@lab.example', 'maySendAs: dean@dir.example' );
    print {$file} $person->( "odd$_", "mail: odd$_\@look.example" ) for 1 .. 50;
    for my $group ( [ 'small', 3 ], [ 'everybody', 30 ] ) {
        print {$file} entry(
            "dn: cn=$group->[0],$base",
            ( map { "objectClass: $_" } qw(groupOfNames mailAccount) ),
            "cn: $group->[0]",
            "mail: $group->[0]\@dir.example",
            ( map { "member: uid=u$_,$base" } 1 .. $group->[1] ),
        );
    }
    print {$file} entry(
        "dn: cn=closed,$base",
        ( map { "objectClass: $_" } qw(groupOfNames mailAccount) ),
        'cn: closed', 'mail: closed@dir.example', 'mayWrite: dean@dir.example', "member: uid=u1,$base"
    );
    print {$file} entry( "dn: ou=windows,$base", 'objectClass: organizationalUnit', 'ou: windows' );
    my %windows = (
        anne   => [ 'userAccountControl: 512', 'proxyAddresses: smtp:a.martin@ad.example', 'proxyAddresses: SMTP:Anne.Martin@ad.example', 'proxyAddresses: x500:/o=univ/cn=anne' ],
        paul   => [ 'userAccountControl: 514', 'proxyAddresses: SMTP:paul@ad.example' ],
        shared => [ 'userAccountControl: 514', 'msExchRecipientTypeDetails: 4', 'proxyAddresses: SMTP:info@ad.example' ],
    );
    for my $name ( sort keys %windows ) {
        print {$file} entry( "dn: cn=$name,ou=windows,$base", ( map { "objectClass: $_" } qw(person user) ), "cn: $name", "sn: $name", @{ $windows{$name} } );
    }
    my %groups = (
        board  => [ 'authOrig: cn=anne,ou=windows,' . $base, 'authOrig: cn=nobody,ou=windows,' . $base ],
        inside => ['msExchRequireAuthToSendTo: TRUE'],
        open   => ['msExchRequireAuthToSendTo: FALSE'],
    );
    for my $name ( sort keys %groups ) {
        print {$file} entry(
            "dn: cn=$name,ou=windows,$base", ( map { "objectClass: $_" } qw(groupOfNames group) ),
            "cn: $name", "member: cn=anne,ou=windows,$base", "proxyAddresses: SMTP:$name\@ad.example", "proxyAddresses: smtp:$name\@adlook.example",
            @{ $groups{$name} }
        );
    }
    return;
}

my $slapd = Poterne::Slapd->new( "$root/slapd", \&write_people );
my $dead = Poterne::Process::free_port();
my %openldap = (
    writers          => 'mayWrite',
    identities       => 'maySendAs',
    quota_used       => 'quotaUsed',
    quota_limit      => 'quotaLimit',
    group_size_limit => 20,
    connect_timeout  => '1s',
    timeout          => '2s',
);
my $sections = "\nldap staff {\n" . $slapd->settings( %openldap, snapshot => '2s' ) . "}\n"
    . "\nldap look {\n"
    . $slapd->settings(
    snapshot => '0', connect_timeout => '1s', timeout => '2s',
    servers => "{ ldap://127.0.0.1:$dead, ldap://127.0.0.1:$slapd->{port} }", starttls => 'yes'
    ) . "}\n"
    . "\nldap windows {\n"
    . $slapd->settings( preset => 'active_directory', base => qq("ou=windows,$base"), rewrite => 'yes', snapshot => '1h' ) . "}\n"
    . "\nldap domain {\n"
    . $slapd->settings( preset => 'active_directory', base => qq("ou=windows,$base"), snapshot => 0 ) . "}\n";
my $hop = Poterne::Gateway::maildir_hop("$root/gateway");
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    sections => $sections,
    settings => { directory => { cache_fresh => '1s', cache_negative => '1s', subaddress => '"+"' }, smtp => { errors_limit => 10_000 } },
    domains  => {
        'dir.example'  => { next_hop => $hop, recipients => ['press@dir.example'], directory => qq(ldap staff, "$root/gateway/recipients-dir.example") },
        'look.example' => { next_hop => $hop, recipients => ['# none'], directory => 'ldap look' },
        'ad.example'   => { next_hop => $hop, recipients => ['# none'], directory => 'ldap windows' },
        'adlook.example' => { next_hop => $hop, recipients => ['# none'], directory => 'ldap domain' },
    }
);
$gateway->start;
ok( $gateway->wait_for_log( qr/ldap staff: \d+ addresses of \d+ entries/, 0, 120 ), 'the snapshot is read, over TLS' );
my ($found) = $gateway->log_text =~ /ldap staff: (\d+) addresses/;
cmp_ok( $found, '>=', 2 * PEOPLE, 'and holds everybody' );

sub answer {
    my ( $address, $sender ) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command( 'MAIL FROM:<' . ( $sender // 'a@remote.example' ) . '>' );
    my ( $code, $text ) = $smtp->command("RCPT TO:<$address>");
    $smtp->quit;
    return "$code $text";
}

# --- what an entry says ---

like( answer('prenom7.nom7@dir.example'),  qr/^250/,        'an official address' );
like( answer('u7+list@dir.example'),       qr/^250/,        'an alias with an extension' );
like( answer('press@dir.example'),         qr/^250/,        'one that the second source knows' );
like( answer('nobody@dir.example'),        qr/^550 5\.1\.1/, 'an unknown one' );
like( answer('gone@dir.example'),          qr/^550 5\.2\.1/, 'a disabled account' );
like( answer('full@dir.example'),          qr/^552 5\.2\.2/, 'a mailbox that is full' );
like( answer('small@dir.example'),         qr/^250/,        'a small group' );
like( answer('everybody@dir.example'),     qr/^550 5\.7\.2/, 'a group larger than group_size_limit' );
like( answer('closed@dir.example'),        qr/^550 5\.7\.2/, 'a group that has writers' );
like( answer( 'closed@dir.example', 'Dean@dir.example' ), qr/^250/, 'and one of them' );
like( answer('*@dir.example'),             qr/^550 5\.1\.1/, 'an address is no pattern' );
like( answer('u1)(uid=*@dir.example'),     qr/^5/,          'nor a piece of a filter' );
like( answer('"u1)(uid=*"@look.example'),  qr/^550 5\.1\.1/, 'quoted, neither' );
my ($away) = $gateway->poterne_json( 'directory', 'test', 'away@dir.example' );
is( $away->{redirect},   'away@lab.example', 'a redirection is carried' );
is( $away->{identities}, 'dean@dir.example', 'and what one may send from' );
is( $away->{sources}[0]{source}, 'ldap staff', '`directory test` names each source' );

# --- Active Directory ---

ok( wait_until( 30, sub { answer('anne.martin@ad.example') =~ /^250/ } ), 'AD: the official address' );
like( answer('paul@ad.example'), qr/^550 5\.2\.1/, 'AD: a disabled account' );
like( answer('info@ad.example'), qr/^250/,         'AD: a shared mailbox, whose account is disabled, is a recipient' );
for my $domain (qw(ad.example adlook.example)) {
    my $how = $domain eq 'ad.example' ? 'in the snapshot' : 'looked up';
    like( answer("board\@$domain"), qr/^550 5\.7\.2/, "AD: a group whose writers are entries, $how" );
    like( answer( "board\@$domain", 'anne.martin@ad.example' ), qr/^250/, 'AD: one of them' );
    like( answer( "board\@$domain", 'A.Martin@ad.example' ), qr/^250/, 'AD: by another address' );
    like( answer( "board\@$domain", 'paul@ad.example' ),     qr/^550 5\.7\.2/, 'AD: somebody else' );
    like( answer("inside\@$domain"), qr/^550 5\.7\.2/, 'AD: a group that only takes mail of who has signed in' );
    like( answer("open\@$domain"),   qr/^250/,          'AD: one that takes all' );
}
my ($anne) = $gateway->poterne_json( 'directory', 'test', 'a.martin@ad.example' );
is( $anne->{address}, 'anne.martin@ad.example', 'AD: SMTP: in capitals is the official one' );
my $mail = "Subject: x\r\n\r\nx\r\n";
is( $gateway->send_one( from => 'a@remote.example', to => ['a.martin@ad.example'], data => \$mail )->{code}, 250, 'AD: an alias takes mail' );
ok( wait_until( 10, sub { $gateway->maildir_messages('anne.martin@ad.example') } ), 'AD: which is rewritten, as set' );

# --- what changes ---

$slapd->add( Poterne::Slapd::person( 'new', 'mail: new@dir.example' ) );
like( answer('new@dir.example'), qr/^250/, 'who is new is looked up at once' );

# --- look-ups alone, with a first server that is dead, and StartTLS ---

like( answer("odd$_\@look.example"), qr/^250/, "look-up $_, by the second server" ) for 1 .. 3;
like( answer('none@look.example'), qr/^550 5\.1\.1/, 'an unknown one' );

# --- a server that hangs, under load ---

sub load {
    my ($what) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command('MAIL FROM:<a@remote.example>');
    my ( @known, @unknown, @times );
    for my $n ( 1 .. 300 ) {
        my $i    = 1 + int rand PEOPLE;
        my $from = time;
        push @known, ( $smtp->command("RCPT TO:<prenom$i.nom$i\@dir.example>") )[0];
        push @times, time - $from;
    }
    for my $n ( 1 .. 3 ) {
        push @unknown, ( $smtp->command( 'RCPT TO:<guess' . rand() . '@dir.example>' ) )[0];
        push @known,   ( $smtp->command("RCPT TO:<odd$n\@look.example>") )[0];
    }
    $smtp->quit;
    is_deeply( [ grep { $_ ne '250' } @known ],   [], "$what: who is known is served" );
    is_deeply( [ grep { $_ ne '451' } @unknown ], [], "$what: others get 451, never 550" );
    @times = sort { $a <=> $b } @times;
    return $times[ int 0.99 * @times ];
}

ok( $slapd->signal('STOP'), 'the server hangs' );
sleep 2;    # what the cache has of odd1@ to odd3@ is no longer fresh
my $p99 = load('a server that hangs');
cmp_ok( $p99, '<', 0.1, sprintf 'and holds up nobody (p99 %.2f ms for what is in the snapshot)', 1000 * $p99 );
my ($status) = $gateway->poterne_json( 'directory', 'status' );
ok( ( grep { $_->{trouble} } @{ $status->{sources} } ), '`directory status` says what is wrong' );
$slapd->signal('CONT');
$slapd->stop;
load('a dead server');

# --- a restart without it, after a crash ---

$gateway->crash;
$gateway->start;
like( answer('prenom5.nom5@dir.example'), qr/^250/, 'a restart: the snapshot of the disk serves' );
like( answer('anne.martin@ad.example'),   qr/^250/, 'all of them' );
like( answer('odd2@look.example'),        qr/^250/, 'and so does the cache' );
like( answer('odd9@look.example'),        qr/^451 4\.3\.0/, 'who was never asked for: 451' );
like( answer('nobody@dir.example'),       qr/^451 4\.3\.0/, 'who was unknown is not, once that is old' );
$gateway->poterne( 'directory', 'forget', 'odd2@look.example' );
like( answer('odd2@look.example'), qr/^451/, 'what was forgotten is forgotten' );

$slapd->start;
ok( wait_until( 60, sub { answer('odd9@look.example') =~ /^250/ } ), 'the server is back: it is asked' );
ok( wait_until( 60, sub { answer('nobody@dir.example') =~ /^550/ } ), 'and says who is unknown' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$slapd->stop;
done_testing();

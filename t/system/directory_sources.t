#!/usr/bin/perl
# Recipients from a SQLite database, from the next hop itself (Dovecot's LMTP), and Dovecot's
# quota-status for mailboxes that are full, of which the managers are told.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Process qw(wait_until command_output free_port);

plan skip_all => 'Dovecot is not installed' if !Poterne::Dovecot::there() || !-e '/usr/lib/dovecot/quota-status';
plan skip_all => 'sqlite3 is not installed' if !-x '/usr/bin/sqlite3';

my $root = tempdir( 'poterne-sources-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

# Beside and renamed, as who keeps such a map does.
sub write_map {
    my (@rows) = @_;
    unlink "$root/map.new";
    my $sql = 'create table people (name text primary key, official text, off int, used int, most int);'
        . join '', map { "insert into people values ($_);" } @rows;
    my ( $status, $output ) = command_output( 'sqlite3', "$root/map.new", $sql );
    die "sqlite3: $output" if $status;
    rename "$root/map.new", "$root/map" or die "$!";
    return;
}

my @rows = (
    q('anne@map.example', 'anne@map.example', 0, 5, 10),
    q('a@map.example', 'anne@map.example', 0, 5, 10),
    q('off@map.example', 'off@map.example', 1, 5, 10),
    q('full@map.example', 'full@map.example', 0, 10, 10),
    q('large@box.example', 'large@box.example', 0, 0, 0),
    q('small@box.example', 'small@box.example', 0, 0, 0),
);
write_map(@rows);
my $dovecot = Poterne::Dovecot->start(
    "$root/dovecot",
    quota => free_port(),
    users => { 'large@box.example' => '100M', 'small@box.example' => '1k', 'there@call.example' => '100M' }
);
my $hop     = "lmtp://127.0.0.1:$dovecot->{lmtp}";
my $dead    = free_port();
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { '' => { managers => '{ large@box.example }' }, spam => { reports => 'spam@box.example' }, directory => { cache_negative => '1s', cache_fresh => '2s', call_ahead_timeout => '2s' } },
    sections => <<"EOT",

sqlite people {
    file  = "$root/map"
    query = "select official as address, off as disabled, used as quota_used, most as quota_limit from people where name = ?"
}
quota dovecot { address = 127.0.0.1:$dovecot->{quota}; timeout = 2s }
ldap dead { servers = ldap://127.0.0.1:$dead; base = "dc=x" }
EOT
    domains => {
        'map.example'  => { next_hop => $hop, recipients => ['# none'], directory => 'sqlite people' },
        'box.example'  => { next_hop => $hop, recipients => ['# none'], directory => 'sqlite people, quota dovecot' },
        'dead.example' => { next_hop => $hop, recipients => ['# none'], directory => 'ldap dead' },
        'call.example' => { next_hop => $hop, recipients => ['# none'], directory => 'call_ahead' },
    }
)->start;

sub answer {
    my ($address) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command('MAIL FROM:<a@remote.example>');
    my ( $code, $text ) = $smtp->command("RCPT TO:<$address>");
    $smtp->quit;
    return "$code $text";
}

like( answer('Anne@map.example'),    qr/^250/,         'sqlite: known' );
like( answer('a@map.example'),       qr/^250/,         'sqlite: an alias' );
like( answer('nobody@map.example'),  qr/^550 5\.1\.1/, 'sqlite: unknown' );
like( answer('off@map.example'),     qr/^550 5\.2\.1/, 'sqlite: disabled' );
like( answer('full@map.example'),    qr/^552 5\.2\.2/, 'sqlite: full' );
like( answer(q("' or 1=1 --"@map.example)), qr/^550 5\.1\.1/, 'sqlite: an address is no SQL' );
write_map( @rows, q('nobody@map.example', null, null, null, null) );
ok( wait_until( 10, sub { answer('nobody@map.example') =~ /^250/ } ), 'sqlite: another file is taken up' );
my ($alias) = $gateway->poterne_json( 'directory', 'test', 'a@map.example' );
like( $alias->{how}, qr/sqlite people, alias of anne\@map\.example/, 'sqlite: `directory test` says whose it is' );

like( answer('large@box.example'), qr/^250/, 'quota-status: there is room' );
my $mail = "Subject: x\r\n\r\n" . ( "some text that fills a mailbox of one kilobyte\r\n" x 50 );
is( $gateway->send_one( from => 'a@remote.example', to => ['large@box.example'], data => \$mail )->{code}, 250, 'and it is delivered' );
$dovecot->fill('small@box.example');
ok( wait_until( 10, sub { answer('small@box.example') =~ /^552 5\.2\.2/ } ), 'quota-status: a full mailbox' )
    or diag answer('small@box.example');

# Local time of which it is seven o'clock in a few seconds: then the digest of the day is made.
sub zone_where_it_is_soon {
    my ($hour) = @_;
    my $offset = ( $hour * 3600 - 8 - time % 86400 ) % 86400;
    return sprintf 'TST-%02d:%02d:%02d', $offset / 3600, $offset / 60 % 60, $offset % 60;
}
is( $gateway->stop, 0, 'the gateway stops' );
{
    local $ENV{TZ} = zone_where_it_is_soon(7);
    $gateway->start;
}
my $digest;
ok( wait_until( 60, sub { ($digest) = grep {/^(?:F|=46)ull mailboxes/m} $dovecot->messages('large@box.example') } ), 'the managers get the digest of the day' );
like( $digest // '', qr/ull mailboxes:\r\n(?:  - .*\r\n)*  - small\@box\.example: \d+ turned away/, 'which names the mailbox that is full' );
like( $digest // '', qr/  - ldap dead: no new snapshot\r\n/, 'and a source that is away' );

like( answer('there@call.example'),  qr/^250/,         'call-ahead: the next hop knows it' );
like( answer('nobody@call.example'), qr/^550 5\.1\.1/, 'call-ahead: it does not' );

$dovecot->stop;
like( answer('large@box.example'), qr/^250/, 'no quota-status: as if there were room' );
like( answer('other@call.example'), qr/^451 4\.3\.0/, 'no next hop to ask: 451' );
sleep 3;
like( answer('there@call.example'), qr/^250/, 'but who was known still is' );
rename "$root/map", "$root/map.away" or die "$!";
like( answer('new@map.example'), qr/^451 4\.3\.0/, 'no database: 451' );
like( answer('anne@map.example'), qr/^250/, 'but who was known still is' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();

#!/usr/bin/perl
# Greylisting spares whom it knows: a pool of servers that its domain's SPF vouches for comes again
# from wherever, a network whose mail was right need not, nor one on an allow list; a domain that
# lets everybody send gets nothing by it.
use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX qw(strftime);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Smtp;

plan skip_all => Poterne::Dns->missing if Poterne::Dns->missing;
my $to = 'jean@gate.example';
my $root = tempdir( 'poterne-greylist-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $deep = join "\n", map { my $next = $_ + 1; qq(_$_.deep.example. TXT "v=spf1 include:_$next.deep.example -all") } 1 .. 7;
my $dns = Poterne::Dns->new(
    folder  => "$root/dns",
    records => [
        'mail.big.example. TXT "v=spf1 include:_spf.big.example -all"',
        '_spf.big.example. TXT "v=spf1 ip4:198.51.0.0/16 mx:big.example -all"',
        'big.example. TXT "v=spf1 include:_spf.big.example -all"',
        'big.example. MX 10 mx.big.example.',
        'mx.big.example. A 203.0.113.9',
        'open.example. TXT "v=spf1 +all"',
        'wide.example. TXT "v=spf1 ip4:198.0.0.0/7 -all"',
        'deep.example. TXT "v=spf1 include:_1.deep.example -all"',
        split( /\n/, $deep ),
        '_8.deep.example. TXT "v=spf1 a:host.deep.example -all"',
        'host.deep.example. A 198.51.7.7',
        'endless.example. TXT "v=spf1 include:endless.example -all"',
        '2.0.0.127.allow.example. A 127.0.0.2',
        '7.0.0.192.allow.example. A 127.0.0.2',
    ]
)->start;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        gate     => { xclient_from => '{ 127.0.0.1 }', greylist => 'yes', greylist_delay => '3s', tarpit => '0' },
        resolver => $dns->settings,
        'list good' => { zone => 'allow.example', action => 'allow', weight => 3 },
    },
    domains => { 'gate.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

sub rfc2822 { return strftime '%a, %d %b %Y %H:%M:%S +0000', gmtime }

# The answer to RCPT of one who comes from an address of our choice; with `data` to the message.
sub try_from {
    my ( $ip, $sender, %option ) = @_;
    my $smtp = Poterne::Smtp->new( port => $gateway->{port} );
    $smtp->command( "XCLIENT ADDR=$ip" . ( $option{helo} ? " HELO=$option{helo}" : '' ) );
    $smtp->hello;
    $smtp->command("MAIL FROM:<$sender>");
    my ($code) = $smtp->command("RCPT TO:<$to>");
    if ( $code == 250 && $option{data} ) {
        $smtp->command('DATA');
        ($code) = $smtp->command( join "\r\n", "From: Jean <$sender>", "To: <$to>", 'Date: ' . rfc2822(), 'Message-ID: <1@open.example>',
            'Subject: Minutes of the council', '', $option{data}, '.' );
    }
    $smtp->quit;
    return $code;
}

is( try_from( '198.51.1.1', 'a@mail.big.example' ), 451, 'a pool that SPF knows is put off as everybody' );
is( try_from( '192.0.2.1',  'a@open.example' ),     451, 'so is one whose domain lets everybody send' );
is( try_from( '198.51.9.1', 'a@wide.example' ),     451, 'or half of the world' );
is( try_from( '198.51.7.7', 'a@deep.example' ),     451, 'one with a long way to its addresses' );
is( try_from( '198.51.1.1', 'a@endless.example' ),  451, 'one without an end' );
is( try_from( '203.0.113.9', '', helo => 'mail.big.example' ), 451, 'a bounce, by its HELO' );
is( try_from( '192.0.0.7',  'a@listed.example' ), 250, 'who is on an allow list is let in at once' );
is( try_from( '192.0.0.8',  'a@listed.example' ), 451, 'and nobody beside it is' );
sleep 4;
is( try_from( '198.51.200.1', 'a@mail.big.example' ), 250, 'another machine of the pool brings it' );
is( try_from( '203.0.113.9',  'b@big.example' ),      250, 'from then on all of them are let in, at once' );
is( try_from( '192.0.9.9',    'a@mail.big.example' ), 451, 'but nobody else in its name' );
is( try_from( '192.0.3.1',    'a@open.example' ),     451, 'open to everybody: only the same network counts' );
is( try_from( '198.51.10.1',  'a@wide.example' ),     451, 'as with the wide one' );
is( try_from( '192.0.2.9',    'a@open.example', data => 'It is right.' ), 250, 'which came again' );
is( try_from( '198.51.7.7',   'x@deep.example' ), 451, 'a sender of its own' );
is( try_from( '198.51.7.7',   'a@deep.example' ), 250, 'the long way was gone' );

# An accepted letter makes its sender known: `clear` forgets who came again, not that.
$gateway->poterne( 'gate', 'clear', $_ ) for '192.0.2.0', '198.51.7.0';
is( try_from( '192.0.2.77', 'b@open.example' ),  250, 'who sent a letter that was right is known' );
is( try_from( '192.0.2.77', 'b@other.example' ), 451, 'and nobody else from there' );
like( ( $gateway->poterne('gate') )[1], qr/^[1-9]\d* senders are known/m, '`poterne gate` counts them' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
$gateway->start;
is( try_from( '192.0.2.77',   'b@open.example' ), 250, 'not forgotten by a restart' );
is( try_from( '198.51.201.1', 'c@big.example' ),  250, 'nor is the pool' );

$dns->pause;
my $before = time;
is( try_from( '198.51.202.1', 'a@slow.example' ), 451, 'where the DNS is away the network counts' );
cmp_ok( time - $before, '<', 10, 'and nobody waits long' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
$dns->stop;
done_testing();

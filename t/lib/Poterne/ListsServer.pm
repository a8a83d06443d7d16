# A DNS server whose answers follow from the name that is asked for, so that all names can be asked: about
# a third stand in any list. t/parity/lists_answer.c gives the same answers inside of a process.
package Poterne::ListsServer;

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(SO_RCVBUF);
use POSIX ();

# Names below these are those of lists.
our @lists = qw(list.example);

# What a listed name may be listed as.
our @codes = (
    '127.0.0.2',  '127.0.0.3',   '127.0.0.4',   '127.0.0.8',   '127.0.0.10',  '127.0.0.12',
    '127.0.0.17', '127.0.0.20',  '127.0.0.64',  '127.0.0.128', '127.0.1.2',   '127.0.1.4',
    '127.0.1.5',  '127.0.1.102', '127.0.1.105', '127.2.0.2',   '127.2.0.28',  '127.0.5.1',
    '127.0.9.3',  '127.3.100.6', '127.2.255.4', '127.0.1.255', '93.184.1.1',  '127.9.2.5',
);

# FNV-1a, 32 bits
sub hash_of {
    my ($name) = @_;
    my $hash = 2_166_136_261;
    for ( unpack 'C*', $name ) {
        $hash = ( ( $hash ^ $_ ) * 16_777_619 ) & 0xffff_ffff;
    }
    return $hash;
}

sub is_listing {
    my ($name) = @_;
    for (@lists) {
        return 1 if length $name > length($_) && substr( $name, -1 - length ) eq ".$_";
    }
    return 0;
}

sub address { return pack 'C4', split /[.]/, shift }

# (exists?, [TYPE, DATA]…): TYPE 1 A, 2 NS, 15 MX, 16 TXT; data of the wire, but names as text.
sub records_of {
    my ($name) = @_;
    my $hash = hash_of($name);
    if ( is_listing($name) ) {
        return (0) if $hash % 3;
        my $n = ( $hash >> 8 ) % 2;
        return (
            1,
            [ 1, address( $codes[ ( $hash >> 10 ) % @codes ] ) ],
            $n ? [ 1, address( $codes[ ( $hash >> 16 ) % @codes ] ) ] : (),
            [ 16, 'listed for ' . ( ( $hash >> 12 ) % 10 ) ],
        );
    }
    return (0) if $hash % 7 == 0;
    return (
        1,
        [ 1,  pack 'C4', 93, 184, ( $hash >> 8 ) % 256, ( $hash >> 16 ) % 256 ],
        [ 2,  'ns1.dns' . ( $hash % 97 ) . '.com' ],
        [ 2,  'ns2.dns' . ( $hash % 89 ) . '.org' ],
        [ 15, 'mx' . ( $hash % 10 ) . '.example.com' ],
        $hash % 5 ? () : [ 16, 'v=spf1 ip4:192.0.2.1 +all' ],
    );
}

sub wire_name {
    my ($name) = @_;
    return join( '', map { pack 'C/a', $_ } split /[.]/, $name ) . "\0";
}

sub wire_data {
    my ( $type, $data ) = @_;
    return $type == 1 ? $data : $type == 16 ? pack( 'C/a', $data ) : ( $type == 15 ? "\0\012" : '' ) . wire_name($data);
}

# The answer to a query, as a packet; undef: it is none.
sub answer {
    my ($packet) = @_;
    return if length $packet < 17;
    my ( $id, $flags ) = unpack 'nn', $packet;
    my ( $at, @labels ) = (12);
    while ( my $n = unpack 'C', substr $packet, $at, 1 ) {
        push @labels, substr $packet, $at + 1, $n;
        $at += 1 + $n;
        return if $n > 63 || $at + 5 > length $packet;
    }
    my $question = substr $packet, 12, $at + 5 - 12;
    my $type     = unpack 'n', substr $packet, $at + 1, 2;
    my ( $exists, @records ) = records_of( lc join '.', @labels );
    @records = grep { $_->[0] == $type } @records;
    my $head = pack 'n6', $id, 0x8580 | ( $flags & 0x100 ) | ( $exists ? 0 : 3 ), 1, scalar @records, 0, 0;
    return join '', $head, $question,
        map { pack 'nnnNn/a', 0xc00c, $_->[0], 1, 60, wire_data(@$_) } @records;
}

# { port, pid }, after stop() gone
sub start {
    my $socket = IO::Socket::INET->new( Proto => 'udp', LocalAddr => '127.0.0.1' ) or die "no UDP port: $!\n";
    $socket->sockopt( SO_RCVBUF, 4 << 20 );
    my $pid = fork // die "fork: $!\n";
    return { port => $socket->sockport, pid => $pid } if $pid;
    while ( defined( my $from = $socket->recv( my $packet, 4096 ) ) ) {
        my $reply = answer($packet);
        $socket->send( $reply, 0, $from ) if defined $reply;
    }
    POSIX::_exit(0);
}

sub stop {
    my ($server) = @_;
    local $? = 0;
    kill TERM => $server->{pid};
    waitpid $server->{pid}, 0;
    return;
}

1;

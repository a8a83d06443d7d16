# What a cut of power can leave of a folder. Debian's strace writes down each system call that changes a file below it,
# with its bytes, and what is said over TCP; from that log the folder is built again as a disk may hold it at any moment
# of the run:
#
# - What was fsync'd (fdatasync'd) before is there, bytes of a file and names of a folder each for themselves.
# - Each sector (512 bytes) of a file has what it had after any of the writes since, whatever the others have; and the
#   file any length that it had, with zeros where it grew without its bytes.
# - Of the changes of names since (create, rename, unlink, mkdir), any may be there in which each name goes through its
#   values in their order. A rename is there whole or not at all. No order holds between names, nor between names and
#   bytes: this allows more than ext4, XFS or Btrfs do, whose journals keep the order of names.
# - What is mapped into memory is not in the log: SQLite's -shm holds noise (SQLite makes it anew), others what was
#   written.
#
#     my @under = Poterne::PowerCut::recorder("$root/log");
#     my $log = Poterne::PowerCut->read( "$root/log", "$root/state", … );    # folders, and what is below
#     $log->compare;                       # [paths] of which the log does not account for each byte
#     $log->each_cut( \@positions, sub { my ( $position, $cut ) = @_; $cut->build( $target, $how ) } );
package Poterne::PowerCut;

use strict;
use warnings;

use File::Path qw(make_path);

use constant { STRACE => '/usr/bin/strace', SECTOR => 512, CHUNK => 65536 };

my @calls = qw(open openat creat write pwrite64 writev pwritev lseek ftruncate truncate fallocate rename renameat renameat2
    unlink unlinkat rmdir mkdir mkdirat link linkat symlink symlinkat fsync fdatasync sendto sendmsg);

# What a program is run by so that all its calls, and those of its children, are written down.
sub recorder {
    my ($output) = @_;
    return ( STRACE, '-D', '-f', '--seccomp-bpf', '-qqq', '-ttt', '-y', '-xx', '-s', 16 * 1024 * 1024, '-o', $output, '-e', 'trace=' . join( ',', @calls ), '-e', 'signal=none' );
}

sub unhex {
    my ($text) = @_;
    return pack 'H*', $text =~ s/\\x//gr;
}

# --- the log: lines, calls ---

# { at, until: lines between which it took effect; time; name; words }, of those that succeeded, in order of `at`.
sub read_calls {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    my ( %open, @calls );
    my $line = 0;
    while (<$file>) {
        $line++;
        my ( $pid, $time, $rest ) = /^(\d+)\s+([\d.]+) (.*)/ or next;
        my $call;
        if ( $rest =~ /^<\.\.\. \w+ resumed>(.*)$/ ) {
            $call = delete $open{$pid} // next;
            $call->{words} .= $1;
            $call->{until} = $line;
        }
        elsif ( $rest =~ /^(\w+)\((.*)$/ ) {
            $call = { at => $line, until => $line, time => $time, name => $1, words => $2, pid => $pid };
            if ( $call->{words} =~ s/ <unfinished \.\.\.>$// ) {
                $open{$pid} = $call;
                push @calls, $call;    # one that never ends may have had its effect
                next;
            }
            push @calls, $call;
        }
        else {
            next;
        }
        $call->{result} = $call->{words} =~ s/\)\s+= (-?\d+)(?:<[^>]*>)?(?: .*)?$// ? $1 : -1;
    }
    return grep { !defined $_->{result} || $_->{result} >= 0 } @calls;
}

# The words of a call that are paths and descriptors, as absolute paths in their order; the bytes; the numbers at the end.
sub dissect {
    my ($call) = @_;
    my ( @paths, $folder );
    my $words = $call->{words};
    while ( $words =~ /\G(?:, )?(?:(-?\d+|AT_FDCWD)<([^>]*)>|"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?|((?:[^,"<\[]|<(?!\/))+)|(\[.*\]))/gc ) {
        my ( $fd, $at, $text, $other, $list ) = ( $1, $2, $3, $4, $5 );
        if ( defined $at ) {
            $folder = ( $at =~ /\\x/ ? unhex($at) : $at ) =~ s/ \(deleted\)$//r;
            push @{ $call->{fds} }, [ $fd, $folder ];
        }
        elsif ( defined $text ) {
            my $bytes = unhex($text);
            $call->{bytes} //= $bytes;
            push @paths, $bytes =~ m{^/} || !defined $folder ? $bytes : "$folder/$bytes";
        }
        elsif ( defined $list ) {
            $call->{bytes} = join '', map { unhex($_) } $list =~ /iov_base="((?:\\x[0-9a-f]{2})*)"/g;
        }
        else {
            push @{ $call->{numbers} }, $other;
        }
    }
    $call->{paths} = [ map { s{/\./}{/}gr =~ s{//+}{/}gr } @paths ];
    return $call;
}

sub read {
    my ( $class, $log, @folders ) = @_;
    my $self = bless { folders => \@folders, events => [], said => [], lines => 0 }, $class;
    my $below = join '|', map {quotemeta} @folders;
    $self->{below} = qr/^(?:$below)(?:\/|$)/;
    for my $call ( map { dissect($_) } read_calls($log) ) {
        $self->{lines} = $call->{until} if $call->{until} > $self->{lines};
        $self->{times}{ $call->{at} } = $call->{time};
        my $first = $call->{fds} ? $call->{fds}[0][1] : '';
        if ( $first =~ /^(?:socket|TCP)/ ) {
            push @{ $self->{said} }, $call if $call->{name} =~ /^(?:write|writev|sendto|sendmsg)$/;
            next;
        }
        my @near = grep { $_ =~ $self->{below} } @{ $call->{paths} }, $first;
        push @{ $self->{events} }, $call if @near;
    }
    my @steps;
    for my $call ( @{ $self->{events} } ) {
        my $is_sync = $call->{name} =~ /^f(?:data)?sync$/;
        next if $is_sync && !defined $call->{result};
        push @steps, [ $is_sync ? $call->{until} : $call->{at}, $call ];
    }
    $self->{steps} = [ sort { $a->[0] <=> $b->[0] } @steps ];
    return $self;
}

# --- the folder as the programs see it, and as the disk must have it ---

# An inode: { kind, live: bytes, durable: bytes, writes: [since the last sync] }
sub begin {
    my ($self) = @_;
    @{$self}{qw(live durable changes places)} = ( {}, {}, [], {} );
    for my $folder ( @{ $self->{folders} } ) {    # these are there, all else comes from the log
        $self->{live}{$folder} = $self->{durable}{$folder} = { kind => 'folder' };
    }
    return;
}

sub parent {
    my ($path) = @_;
    return $path =~ s{/[^/]*$}{}r;
}

# Names change: { path => inode or undef }.
sub change {
    my ( $self, $call, $names ) = @_;
    push @{ $self->{changes} }, { until => $call->{until}, names => $names, folders => { map { parent($_) => 1 } keys %$names } };
    while ( my ( $path, $inode ) = each %$names ) {
        $inode ? ( $self->{live}{$path} = $inode ) : delete $self->{live}{$path};
    }
    return;
}

sub apply_write {
    my ( $bytes, $write ) = @_;
    my ( $at, $data, $length ) = @{$write}{qw(at data length)};
    if ( defined $length ) {
        $$bytes = length $$bytes > $length ? substr( $$bytes, 0, $length ) : $$bytes . "\0" x ( $length - length $$bytes );
        return;
    }
    $$bytes .= "\0" x ( $at - length $$bytes ) if length $$bytes < $at;
    substr( $$bytes, $at, length $data ) = $data;
    return;
}

sub written {
    my ( $self, $inode, $write, $call ) = @_;
    $write->{until} = $call->{until};
    push @{ $inode->{writes} }, $write;
    apply_write( \$inode->{live}, $write );
    return;
}

# A folder's names that changed before are on the disk, with all that they went through before.
sub sync_folder {
    my ( $self, $folder, $before ) = @_;
    my ( %needed, @left, @due );
    for my $change ( reverse @{ $self->{changes} } ) {
        my $due = $change->{until} < $before && $change->{folders}{$folder} || grep { $needed{$_} } keys %{ $change->{names} };
        unshift @{ $due ? \@due : \@left }, $change;
        @needed{ keys %{ $change->{names} } } = (1) x keys %{ $change->{names} } if $due;
    }
    apply_change( $self->{durable}, $_ ) for @due;
    $self->{changes} = \@left;
    return;
}

sub apply_change {
    my ( $tree, $change ) = @_;
    for my $path ( keys %{ $change->{names} } ) {
        my $inode = $change->{names}{$path};
        $inode ? ( $tree->{$path} = $inode ) : delete $tree->{$path};
    }
    return;
}

sub sync {
    my ( $self, $path, $before ) = @_;
    my $inode = $self->{live}{$path} // return;
    return $self->sync_folder( $path, $before ) if $inode->{kind} eq 'folder';
    my @late;
    for my $write ( @{ $inode->{writes} } ) {
        if ( $write->{until} < $before ) {
            apply_write( \$inode->{durable}, $write );
        }
        else {
            push @late, $write;
        }
    }
    $inode->{writes} = \@late;
    return;
}

# --- calls ---

sub opened {
    my ( $self, $call ) = @_;
    my $path = $call->{paths}[0];
    my $flags = join '|', @{ $call->{numbers} // [] };
    my $inode = $self->{live}{$path};
    if ( !$inode ) {
        return if $flags !~ /O_CREAT/ && $call->{name} ne 'creat';
        $inode = { kind => 'file', live => '', durable => '', writes => [] };
        $self->change( $call, { $path => $inode } );
    }
    elsif ( $flags =~ /O_TRUNC/ && length $inode->{live} ) {
        $self->written( $inode, { length => 0 }, $call );
    }
    $self->{places}{ "$path " . ( $call->{result} // -1 ) } = $flags =~ /O_APPEND/ ? 'end' : 0;
    return;
}

# A descriptor's place in its file: one that was renamed meanwhile is known by where its writer stands.
sub place_of {
    my ( $self, $call ) = @_;
    my ( $fd, $path ) = @{ $call->{fds}[0] };
    return "$path $fd";
}

sub put {
    my ( $self, $call ) = @_;
    my $inode = $self->{live}{ $call->{fds}[0][1] } // return;
    my $data = $call->{bytes} // '';
    $data = substr $data, 0, $call->{result} if defined $call->{result};
    my $place = $self->place_of($call);
    if ( $call->{name} =~ /^pwrite/ ) {
        my ($at) = ( $call->{numbers}[-1] // '' ) =~ /(\d+)/;
        return $self->written( $inode, { at => $at, data => $data }, $call );
    }
    my $at = $self->{places}{$place} // 0;
    $at = length $inode->{live} if $at eq 'end';
    $self->written( $inode, { at => $at, data => $data }, $call );
    $self->{places}{$place} = $at + length $data if ( $self->{places}{$place} // 0 ) ne 'end';
    return;
}

sub renamed {
    my ( $self, $call ) = @_;
    my ( $from, $to ) = @{ $call->{paths} };
    my $inode = $self->{live}{$from} // return;
    die "PowerCut: a folder is renamed, which is not followed: $from\n" if $inode->{kind} eq 'folder';
    return $self->change( $call, { $from => undef, $to => $inode } );
}

my %do = (
    ( map { $_ => \&opened } qw(open openat creat) ),
    ( map { $_ => \&put } qw(write pwrite64 writev pwritev) ),
    ( map { $_ => \&renamed } qw(rename renameat renameat2) ),
    ( map { $_ => sub { my ( $self, $call ) = @_; $self->change( $call, { $call->{paths}[0] => undef } ) if $self->{live}{ $call->{paths}[0] } } }
            qw(unlink unlinkat rmdir) ),
    ( map { $_ => sub { my ( $self, $call ) = @_; $self->change( $call, { $call->{paths}[0] => { kind => 'folder' } } ) } } qw(mkdir mkdirat) ),
    ( map { $_ => sub { my ( $self, $call ) = @_; $self->change( $call, { $call->{paths}[1] => $self->{live}{ $call->{paths}[0] } } ) } }
            qw(link linkat) ),
    ( map { $_ => sub { my ( $self, $call ) = @_; $self->change( $call, { $call->{paths}[-1] => { kind => 'link', to => $call->{bytes} } } ) } }
            qw(symlink symlinkat) ),
    ( map { $_ => sub { my ( $self, $call ) = @_; $self->sync( $call->{fds}[0][1], $call->{at} ) } } qw(fsync fdatasync) ),
    ftruncate => sub {
        my ( $self, $call ) = @_;
        my $inode = $self->{live}{ $call->{fds}[0][1] } // return;
        my ($length) = ( $call->{numbers}[-1] // '' ) =~ /(\d+)/;
        return $self->written( $inode, { length => $length }, $call );
    },
    fallocate => sub {
        my ( $self, $call ) = @_;
        my $inode = $self->{live}{ $call->{fds}[0][1] } // return;
        my ( $mode, $at, $length ) = @{ $call->{numbers} };
        die "PowerCut: fallocate($mode) is not followed\n" if $mode ne '0';
        return if length $inode->{live} >= $at + $length;
        return $self->written( $inode, { length => $at + $length }, $call );
    },
    lseek => sub {
        my ( $self, $call ) = @_;
        $self->{places}{ $self->place_of($call) } = $call->{result} if defined $call->{result};
        return;
    },
);

sub step {
    my ( $self, $call ) = @_;
    my $do = $do{ $call->{name} } or die "PowerCut: $call->{name} is not followed\n";
    return $do->( $self, $call );
}

# --- what uses it ---

# Goes through the log; at each of the positions (line numbers that rise) `each` is called, which may build().
sub each_cut {
    my ( $self, $positions, $each ) = @_;
    $self->begin;
    my @steps = @{ $self->{steps} };
    for my $position (@$positions) {
        while ( @steps && $steps[0][0] <= $position ) {
            $self->step( shift(@steps)->[1] );
        }
        $each->( $position, $self );
    }
    return;
}

# Files that are not as the log says that they became: all of them should be.
sub compare {
    my ($self) = @_;
    $self->each_cut( [ $self->{lines} ], sub { } );
    my @differ;
    for my $path ( sort keys %{ $self->{live} } ) {
        my $inode = $self->{live}{$path};
        next if $inode->{kind} ne 'file' || $path =~ /-shm$/;
        open my $file, '<:raw', $path or push( @differ, "$path: $!" ), next;
        local $/;
        my $there = <$file> // '';
        push @differ, sprintf '%s: %d bytes, %d by the log', $path, length $there, length $inode->{live} if $there ne $inode->{live};
    }
    return @differ;
}

# Bytes of a file: each sector as it was after some of the writes since it was synced, which may be others for each; and
# a length that the file had.
sub some_bytes {
    my ( $inode, $share ) = @_;
    my @writes = @{ $inode->{writes} } or return $inode->{durable};
    my @stops = sort { $a <=> $b } 0, int( rand( 1 + $share * @writes ) ), rand() < $share ? scalar @writes : int rand( 1 + @writes );
    my ( $bytes, $done, @versions ) = ( $inode->{durable}, 0 );
    for my $stop (@stops) {
        apply_write( \$bytes, $writes[ $done++ ] ) while $done < $stop;
        push @versions, $bytes;
    }
    return $versions[1] if rand() < 0.5;
    my $long = ( sort { $a <=> $b } map {length} @versions )[-1];
    my $length = length $versions[ rand @versions ];
    my $mixed = $versions[0] . "\0" x ( $long - length $versions[0] );
    for my $write ( grep { defined $_->{data} } @writes[ 0 .. $stops[2] - 1 ] ) {
        my $first = $write->{at} - $write->{at} % SECTOR;
        for ( my $at = $first ; $at < $write->{at} + length $write->{data} && $at < $long ; $at += SECTOR ) {
            my $version = $versions[ rand @versions ];
            my $piece = $at < length $version ? substr( $version, $at, SECTOR ) : '';
            my $room = $long - $at < SECTOR ? $long - $at : SECTOR;
            substr( $mixed, $at, $room ) = $piece . "\0" x ( $room - length $piece );
        }
    }
    return substr $mixed, 0, $length;
}

# Names: those that are durable, and some changes since.
sub some_names {
    my ( $self, $share ) = @_;
    my %tree = %{ $self->{durable} };
    my %blocked;
    for my $change ( @{ $self->{changes} } ) {
        my @names = keys %{ $change->{names} };
        if ( rand() < $share && !grep { $blocked{$_} } @names ) {
            apply_change( \%tree, $change );
        }
        else {
            @blocked{@names} = (1) x @names;
        }
    }
    return \%tree;
}

# Databases have megabytes of zeros, which need not be written.
sub put_sparse {
    my ( $path, $bytes ) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    for ( my $at = 0 ; $at < length $$bytes ; $at += CHUNK ) {
        my $piece = substr $$bytes, $at, CHUNK;
        next if $piece !~ /[^\0]/;
        sysseek $file, $at, 0;
        syswrite( $file, $piece ) == length $piece or die "$path: $!\n";
    }
    truncate $file, length $$bytes or die "$path: $!\n";
    close $file or die "$path: $!\n";
    return;
}

# The folder as it may be found: `share` of what is not certain is there, 0 to 1. Paths below the first of the folders
# that match `from` lie below `to` instead. Files belong to whom the folder belongs to in which they would be.
sub build {
    my ( $self, $from, $to, $share ) = @_;
    my $tree = $self->some_names($share);
    for my $path ( sort keys %$tree ) {
        my $inode = $tree->{$path};
        my $there = $path =~ s/^\Q$from\E/$to/r;
        if ( $inode->{kind} eq 'folder' ) {
            -d parent($there) || $path eq $self->{folders}[0] or next;
            make_path($there);
            chmod 02770, $there;
        }
        elsif ( -d parent($there) ) {
            if ( $inode->{kind} eq 'link' ) {
                symlink $inode->{to}, $there;
                next;
            }
            my $bytes = some_bytes( $inode, $share );
            $bytes = join '', map { chr rand 256 } 1 .. length $bytes if $path =~ /-shm$/;
            put_sparse( $there, \$bytes );
            chmod 0660, $there;
        }
        chown( ( stat( $inode->{kind} eq 'folder' && -d $path ? $path : parent($path) ) )[ 4, 5 ], $there );
    }
    return;
}

1;
